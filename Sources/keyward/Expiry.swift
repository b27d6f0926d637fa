import Glibc
import KeywardCore

/// When a key is to stop working, as a person says it.
enum Expiry: Equatable {
  case never
  /// The end of a date in local time.
  case endOf(CivilDate)
  case at(Instant)
  /// So many seconds from now.
  case seconds(Int64)
  /// So many calendar months from now.
  case months(Int)

  static let forms =
    "give a date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), "
    + "a span (90d; also s, m, h, w, mo for months, y), or never"

  /// - Throws: ``ExpiryError`` for what has none of the forms, or no meaning.
  init(_ text: String) throws(ExpiryError) {
    if text == "never" {
      self = .never
    } else if let date = try Self.date(text) {
      self = .endOf(date)
    } else if let instant = Instant(rfc3339: text) {
      guard instant.isRepresentable else { throw .outOfRange }
      self = .at(instant)
    } else if let span = try Self.span(text) {
      self = span
    } else {
      // An instant on a day that there is not is that, and no other form.
      if text.dropFirst(10).lowercased().hasPrefix("t") { _ = try Self.date(String(text.prefix(10))) }
      throw .noTime
    }
  }

  /// The instant meant, nil for never.
  /// - Throws: ``ExpiryError`` where that is not in the years 1970 to 9999.
  func instant(now: Instant) throws(ExpiryError) -> Instant? {
    let instant: Instant?
    switch self {
    case .never: return nil
    case .endOf(let date): instant = Self.firstInstant(after: date)
    case .at(let given): instant = given
    case .seconds(let count): instant = now.adding(seconds: count)
    case .months(let count): instant = now.adding(months: count)
    }
    guard let instant, instant.isRepresentable else {
      if case .endOf(let date) = self, date.year == 9999 { throw .endsTooLate }
      throw .outOfRange
    }
    return instant
  }

  /// As ``instant(now:)``, and not before now.
  /// - Parameters:
  ///   - argument: what to call it where it cannot be: `--expires`.
  ///   - advice: what would be right in the place of a time that has passed.
  func instant(now: Instant, of argument: String, else advice: String) throws(CommandFailure) -> Instant? {
    let instant: Instant?
    do throws(ExpiryError) {
      instant = try self.instant(now: now)
    } catch {
      throw CommandFailure(.badData, "\(argument) \(error)")
    }
    // What has just passed is the daemon's to judge, which takes it for now where that can be meant.
    if let instant, instant.adding(seconds: Self.leewaySeconds) < now {
      throw CommandFailure(.badData, "\(argument) \(Times(now: now).full(instant)) has passed: \(advice)")
    }
    return instant
  }

  private static let leewaySeconds: Int64 = 5

  /// As ``instant(now:of:else:)``, for an instant that may be now: nil for that.
  func laterInstant(now: Instant, of argument: String, else advice: String) throws(CommandFailure) -> Instant? {
    self == .seconds(0) || self == .months(0) ? nil : try instant(now: now, of: argument, else: advice)
  }

  /// Whether it counts from now, and so means another instant each time.
  var isSpan: Bool {
    switch self {
    case .seconds, .months: true
    case .never, .endOf, .at: false
    }
  }

  /// `2027-01-31`; nil for what does not look like it.
  private static func date(_ text: String) throws(ExpiryError) -> CivilDate? {
    let bytes = Array(text.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count == 10, bytes[4] == dash, bytes[7] == dash, let year = Int(decimal: bytes[..<4]),
      let month = Int(decimal: bytes[5..<7]), let day = Int(decimal: bytes[8...])
    else { return nil }
    guard let date = CivilDate(year: year, month: month, day: day) else {
      throw ExpiryError("is no date of the calendar: there is no such day")
    }
    return date
  }

  /// `90d`; nil for what does not look like it.
  private static func span(_ text: String) throws(ExpiryError) -> Expiry? {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else { return nil }
    let unit: (seconds: Int64, months: Int)
    switch text.dropFirst(digits.count) {
    case "s": unit = (1, 0)
    case "m": unit = (60, 0)
    case "h": unit = (3600, 0)
    case "d": unit = (86400, 0)
    case "w": unit = (7 * 86400, 0)
    case "mo": unit = (0, 1)
    case "y": unit = (0, 12)
    default: return nil
    }
    // Past the year 9999 already, in whatever unit; and what follows stays in bounds.
    guard let count = Int(decimal: digits), count <= (unit.months > 0 ? 120_000 : 400_000_000_000) else {
      throw .outOfRange
    }
    return unit.months > 0 ? .months(count * unit.months) : .seconds(Int64(count) * unit.seconds)
  }

  /// The first second that local clocks do not call the date or an earlier one.
  ///
  /// Midnight itself may come twice or not at all where clocks change at it, and mktime(3) does not say which it
  /// chose; so it gives the neighbourhood, and the second is searched for. Two days either way cover the date line
  /// being moved.
  private static func firstInstant(after date: CivilDate) -> Instant? {
    let next = CivilDate(date.instant.adding(seconds: 86400))
    var fields = tm()
    fields.tm_year = Int32(next.year - 1900)
    fields.tm_mon = Int32(next.month - 1)
    fields.tm_mday = Int32(next.day)
    fields.tm_isdst = -1
    let midnight = mktime(&fields)
    var before = midnight - 2 * 86400
    var after = midnight + 2 * 86400
    while after - before > 1 {
      let middle = before + (after - before) / 2
      guard let local = LocalTime(second: middle) else { return nil }
      if (local.year, local.month, local.day) < (next.year, next.month, next.day) {
        before = middle
      } else {
        after = middle
      }
    }
    return Instant(seconds: Int64(after))
  }
}

/// What is wrong with an expiry; goes on from the text that was given.
struct ExpiryError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  static let noTime = ExpiryError("is no time: \(Expiry.forms)")
  static let outOfRange = ExpiryError("is not in the years 1970 to 9999")
  /// Of the last day that there is where local clocks are not ahead.
  static let endsTooLate = ExpiryError("ends later than the year 9999: give an earlier date")
}

extension Int {
  /// A number of digits alone: no sign, no space; nil for anything else, and for what does not fit.
  fileprivate init?(decimal digits: some Collection<UInt8>) {
    guard !digits.isEmpty else { return nil }
    var number = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
      guard !overflow, !overflow2 else { return nil }
      number = sum
    }
    self = number
  }
}
