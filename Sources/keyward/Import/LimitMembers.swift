import KeywardCore

/// The members of a limit's object in a list.
struct LimitMembers {
  /// Where the object stands.
  let place: ImportPlace
  /// `rateLimit`
  let name: String
  private var fields: [String: ImportField] = [:]

  init(place: ImportPlace, name: String) {
    self.place = place
    self.name = name
  }

  mutating func add(_ member: ImportField, _ value: ImportField) throws(ImportError) {
    guard fields.updateValue(value, forKey: member.text) == nil else {
      throw ImportError(member.place, "is a member of \(name) a second time")
    }
  }

  /// `RateLimit`.
  func rateLimit() throws(ImportError) -> RateLimit {
    try check(["count", "period", "burst"])
    let period = fields["period"]?.text ?? ""
    guard period.hasSuffix("s"), let seconds = Int64(period.dropLast()) else {
      throw ImportError(fields["period"]?.place ?? place, "\(name).period is no whole number of seconds, as in \"60s\"")
    }
    let (count, burst) = (try number("count"), try number("burst"))
    return try checked { () throws(DomainError) in
      try RateLimit(count: count, periodSeconds: seconds, burst: burst == 0 ? nil : burst)
    }
  }

  /// `UseLimit`.
  func useLimit() throws(ImportError) -> UseLimit {
    try check(["total", "refill"])
    let text = fields["refill"]?.text ?? UseLimit.Refill.never.protoName
    guard let refill = UseLimit.Refill.allCases.first(where: { $0.protoName == text }) else {
      let names = UseLimit.Refill.allCases.map(\.protoName).joined(separator: ", ")
      throw ImportError(fields["refill"]?.place ?? place, "\(name).refill is none of \(names)")
    }
    let total = try number("total")
    return try checked { () throws(DomainError) in try UseLimit(total: total, refill: refill) }
  }

  private func check(_ known: Set<String>) throws(ImportError) {
    guard fields.keys.allSatisfy(known.contains) else {
      throw ImportError(place, "\(name) has a member that there is not: give \(known.sorted().joined(separator: ", "))")
    }
  }

  /// 0 where there is none.
  private func number(_ member: String) throws(ImportError) -> Int64 {
    guard let field = fields[member] else { return 0 }
    guard let number = Int64(field.text) else { throw ImportError(field.place, "\(name).\(member) is no number") }
    return number
  }

  private func checked<Limit>(_ body: () throws(DomainError) -> Limit) throws(ImportError) -> Limit {
    do throws(DomainError) {
      return try body()
    } catch {
      throw ImportError(place, error.message)
    }
  }
}
