/// Digits 0–9, A–Z, a–z, in that order of value, the most significant first.
enum Base62 {
  private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  /// Of each byte its value as a digit; ``noDigit`` for any other.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: noDigit, count: 256)
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()

  private static let noDigit: UInt8 = 0xFF

  /// 62^10, the first number of eleven digits.
  static let tenDigitLimit: UInt64 = 839_299_365_868_340_224

  /// Whether all of the bytes are digits.
  static func areDigits(_ bytes: UnsafeRawBufferPointer) -> Bool {
    values.withUnsafeBufferPointer { values in
      // A value is less than 62, so one bit tells the others.
      bytes.reduce(0) { $0 | values[Int($1)] } < 0x80
    }
  }

  /// Writes a number in exactly `digits.count` digits, with zeros before it; what does not fit is lost.
  static func write(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) {
    digits.withUnsafeBufferPointer { digits in
      var rest = number
      for position in text.indices.reversed() {
        text[position] = digits[Int(rest % 62)]
        rest /= 62
      }
    }
  }

  /// As ``write(_:to:)`` for a number of at most ten digits, in a quarter of the time: its halves are written side by
  /// side, by division of 32 bits.
  static func writeTen(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) {
    precondition(text.count == 10 && number < tenDigitLimit, "that number has more digits")
    digits.withUnsafeBufferPointer { digits in
      var (high, low) = (UInt32(number / 916_132_832), UInt32(number % 916_132_832))  // 62^5
      for position in (0..<5).reversed() {
        text[position] = digits[Int(high % 62)]
        text[position + 5] = digits[Int(low % 62)]
        high /= 62
        low /= 62
      }
    }
  }

  /// Reads a number of at most 10 digits, nil where a byte is no digit.
  static func read(_ digits: some Collection<UInt8>) -> UInt64? {
    precondition(digits.count <= 10, "62^10 is the last power that fits")
    return values.withUnsafeBufferPointer { values in
      var number: UInt64 = 0
      var seen: UInt8 = 0
      for byte in digits {
        let value = values[Int(byte)]
        seen |= value
        number = number &* 62 &+ UInt64(value)
      }
      return seen < 0x80 ? number : nil
    }
  }
}
