/// Digits 0–9, A–Z, a–z, in that order of value, the most significant first.
enum Base62 {
  private static let zero = UInt8(ascii: "0")
  private static let upperA = UInt8(ascii: "A")
  private static let lowerA = UInt8(ascii: "a")

  /// The digit for a value of 0 to 61.
  static func digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<10: zero + value
    case 10..<36: upperA + value - 10
    case 36..<62: lowerA + value - 36
    default: preconditionFailure("base62 has no digit of that value")
    }
  }

  /// The value of a digit, nil for any other byte.
  static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case zero...UInt8(ascii: "9"): digit - zero
    case upperA...UInt8(ascii: "Z"): digit - upperA + 10
    case lowerA...UInt8(ascii: "z"): digit - lowerA + 36
    default: nil
    }
  }

  /// Writes a number in exactly `digits.count` digits, with zeros before it; what does not fit is lost.
  static func write(_ number: UInt64, to digits: UnsafeMutableBufferPointer<UInt8>) {
    var rest = number
    for position in digits.indices.reversed() {
      digits[position] = digit(UInt8(truncatingIfNeeded: rest % 62))
      rest /= 62
    }
  }

  /// Reads a number of at most 10 digits, nil where a byte is no digit.
  static func read(_ digits: some Collection<UInt8>) -> UInt64? {
    precondition(digits.count <= 10, "62^10 is the last power that fits")
    var number: UInt64 = 0
    for byte in digits {
      guard let value = value(byte) else { return nil }
      number = number * 62 + UInt64(value)
    }
    return number
  }
}
