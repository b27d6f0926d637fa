/// Instants as RFC 3339 writes them: `2027-01-31T23:59:59.5Z`, `2027-01-31T23:59:59+01:00`.
extension Instant: CustomStringConvertible {
  /// The instant in UTC, with as many digits after the second as it has: none, 3 or 6 (the JSON form of
  /// `google.protobuf.Timestamp`).
  public var description: String {
    let date = CivilDate(self)
    let secondsOfDay = Int(seconds - date.instant.seconds)
    let fraction = Int(nanoseconds / 1000)
    var text = Self.padded(date.year, 4) + "-" + Self.padded(date.month, 2) + "-" + Self.padded(date.day, 2) + "T"
    text += Self.padded(secondsOfDay / 3600, 2) + ":" + Self.padded(secondsOfDay / 60 % 60, 2) + ":"
    text += Self.padded(secondsOfDay % 60, 2)
    if fraction % 1000 != 0 {
      text += "." + Self.padded(fraction, 6)
    } else if fraction != 0 {
      text += "." + Self.padded(fraction / 1000, 3)
    }
    return text + "Z"
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Reads RFC 3339, section 5.6: an offset is required, `T` and `Z` in either case, digits after the sixth of a
  /// second dropped, 24:00 and leap seconds refused.
  public init?(rfc3339 text: String) {
    var reader = DigitReader(text)
    guard let year = reader.number(digits: 4), reader.skip("-"), let month = reader.number(digits: 2),
      reader.skip("-"), let day = reader.number(digits: 2), reader.skip("T") || reader.skip("t"),
      let hour = reader.number(digits: 2), reader.skip(":"), let minute = reader.number(digits: 2),
      reader.skip(":"), let second = reader.number(digits: 2), hour < 24, minute < 60, second < 60,
      let date = CivilDate(year: year, month: month, day: day)
    else { return nil }
    var fraction = 0
    if reader.skip(".") {
      guard let digits = reader.fraction(digits: 6) else { return nil }
      fraction = digits
    }
    guard let offset = reader.offset(), reader.isAtEnd else { return nil }
    let seconds = hour * 3600 + minute * 60 + second - offset
    self.init(microseconds: date.instant.microseconds + Int64(seconds) * 1_000_000 + Int64(fraction))
  }
}

/// Takes digits and marks off the front of a text.
private struct DigitReader {
  private var rest: Substring.UTF8View

  init(_ text: String) {
    rest = text[...].utf8
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: mark) else { return false }
    rest.removeFirst()
    return true
  }

  mutating func number(digits: Int) -> Int? {
    var value = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// One digit or more, as a number of `digits` digits.
  mutating func fraction(digits: Int) -> Int? {
    var value = 0
    var count = 0
    while let digit = digit() {
      if count < digits { value = value * 10 + digit }
      count += 1
    }
    guard count > 0 else { return nil }
    for _ in 0..<max(0, digits - count) { value *= 10 }
    return value
  }

  /// Seconds east of UTC.
  mutating func offset() -> Int? {
    if skip("Z") || skip("z") { return 0 }
    let sign = skip("+") ? 1 : skip("-") ? -1 : 0
    guard sign != 0, let hours = number(digits: 2), skip(":"), let minutes = number(digits: 2), hours < 24,
      minutes < 60
    else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }

  private mutating func digit() -> Int? {
    guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    rest.removeFirst()
    return Int(byte - UInt8(ascii: "0"))
  }
}
