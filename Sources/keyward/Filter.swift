import ArgumentParser
import KeywardCore

/// Which keys a person means, by what they are like. What is given of one kind is united, and every kind must fit.
struct FilterOptions: ParsableArguments {
  @Flag(help: "Keys that work, those too that will soon stop.")
  var available = false

  @Flag(help: "Keys that work and will soon be revoked or expire: within a month, unless keywardd is set otherwise.")
  var soonUnavailable = false

  @Flag(help: "Keys that do not work: disabled, expired, revoked.")
  var unavailable = false

  @Option(help: "Keys for this channel; may be given more than once.")
  var permission: [Permission] = []

  @Option(
    help: ArgumentHelp(
      "Keys with this text anywhere in their name or their creator's, in upper or lower case.", valueName: "text"))
  var query: String?

  func validate() throws {
    if query?.isEmpty == true { throw ValidationError("--query is empty: give a text, or leave it out for any key") }
  }

  /// Whether it lets every key through.
  var isEmpty: Bool { availabilities.isEmpty && permission.isEmpty && query == nil }

  private var availabilities: Set<Availability> {
    var availabilities: Set<Availability> = []
    if available { availabilities.insert(.available) }
    if soonUnavailable { availabilities.insert(.soonUnavailable) }
    if unavailable { availabilities.insert(.unavailable) }
    return availabilities
  }

  func listQuery(
    showDeleted: Bool = false, order: ListOrder = ListOrder(), asOf: Instant? = nil,
    pageSize: Int = ListQuery.maxPageSize, pageToken: String
  ) throws(CommandFailure) -> ListQuery {
    try judged { () throws(DomainError) in
      try ListQuery(
        text: try query.map { (text) throws(DomainError) in try SearchText(text) } ?? .any,
        permissions: Set(permission), availabilities: availabilities, showDeleted: showDeleted, order: order,
        asOf: asOf, pageSize: pageSize, pageToken: pageToken)
    }
  }
}

/// What to put keys in order by, as a person says it: `name`, `expires:desc`.
struct OrderArgument: ExpressibleByArgument, Equatable {
  let order: ListOrder

  private static let fields: [(name: String, field: ListOrder.Field)] = [
    ("created", .createTime), ("name", .name), ("expires", .expireTime), ("last-used", .lastUsedTime),
  ]

  init(_ order: ListOrder) {
    self.order = order
  }

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let field = Self.fields.first(where: { $0.name == parts[0] })?.field
    else { return nil }
    let direction = parts.count == 2 ? parts[1] : "asc"
    guard ["asc", "desc"].contains(direction) else { return nil }
    order = ListOrder(field, descending: direction == "desc")
  }

  static var allValueStrings: [String] { fields.flatMap { [$0.name, $0.name + ":desc"] } }

  static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }

  var defaultValueDescription: String {
    let name = Self.fields.first { $0.field == order.field }?.name ?? ""
    return order.isDescending ? name + ":desc" : name
  }
}
