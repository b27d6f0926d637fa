/// Instants as RFC 3339 writes them: `2027-01-31T23:59:59.5Z`, `2027-01-31T23:59:59+01:00`.
extension Instant: CustomStringConvertible {
  /// The instant in UTC, with as many digits after the second as it has: none, 3 or 6 (the JSON form of
  /// `google.protobuf.Timestamp`).
  public var description: String {
    let date = CivilDate(self)
    let secondsOfDay = Int(seconds - date.instant.seconds)
    let fraction = Int(nanoseconds / 1000)
    // The earliest and the latest instant have a sign and six digits of the year, and so 33 characters.
    return String(unsafeUninitializedCapacity: 40) { text in
      var count = 0
      func put(_ mark: Unicode.Scalar) {
        text[count] = UInt8(ascii: mark)
        count += 1
      }
      func put(_ number: Int, _ width: Int) {
        var width = width
        var power = 1
        for _ in 1..<width { power *= 10 }
        while number / power >= 10 {
          power *= 10
          width += 1
        }
        for _ in 0..<width {
          text[count] = UInt8(ascii: "0") + UInt8(number / power % 10)
          count += 1
          power /= 10
        }
      }
      if date.year < 0 { put("-") }
      put(abs(date.year), 4)
      put("-")
      put(date.month, 2)
      put("-")
      put(date.day, 2)
      put("T")
      put(secondsOfDay / 3600, 2)
      put(":")
      put(secondsOfDay / 60 % 60, 2)
      put(":")
      put(secondsOfDay % 60, 2)
      if fraction != 0 {
        put(".")
        if fraction % 1000 != 0 { put(fraction, 6) } else { put(fraction / 1000, 3) }
      }
      put("Z")
      return count
    }
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
