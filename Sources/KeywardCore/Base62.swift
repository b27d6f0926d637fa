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

  /// As ``write(_:to:)`` for a number of at most ten digits, by multiplications alone.
  static func writeTen(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) {
    precondition(text.count == 10 && number < tenDigitLimit, "that number has more digits")
    // The number as a part of 62^10, in 2^64ths: multiplied by 62 it puts out one digit after the other. 2^64 / 62^10 is 21
    // and the fraction. What that cuts off is less than the 2 that make up for it, and those are less than one number's
    // part, 21.97.
    var part = number &* 21 &+ number.multipliedFullWidth(by: fractionOfPart).high &+ 2
    @inline(__always)
    func digits(_ count: Int) -> UInt64 {
      var values: UInt64 = 0
      for _ in 0..<count {
        let (digit, rest) = part.multipliedFullWidth(by: 62)
        values = values << 8 | digit
        part = rest
      }
      return characters(of: values)
    }
    let bytes = UnsafeMutableRawBufferPointer(text)
    bytes.storeBytes(of: digits(8).bigEndian, as: UInt64.self)
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: digits(2)).bigEndian, toByteOffset: 8, as: UInt16.self)
  }

  /// The fraction of 2^64 / 62^10, in 2^64ths.
  static let fractionOfPart: UInt64 = 0xFA8E_D2F4_5027_2A5C

  /// Of eight values of digits, a byte each, the characters.
  @inline(__always)
  private static func characters(of values: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // 1 in each byte that is at least so much: none is over 61, so that the sum is over 127 or not.
    func reaching(_ limit: UInt64) -> UInt64 { (values &+ ones &* (128 - limit)) >> 7 & ones }
    // Between the figures and the capitals there are 7 other characters, and 6 before the small letters.
    return values &+ ones &* 48 &+ reaching(10) &* 7 &+ reaching(36) &* 6
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
