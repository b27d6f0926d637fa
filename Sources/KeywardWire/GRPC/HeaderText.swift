/// How text and bytes are written into header fields of gRPC.
package enum HeaderText {
  private static let hexDigits = Array("0123456789ABCDEF".utf8)
  private static let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Text for `grpc-message`: its UTF-8 with everything but printable ASCII, and `%`, as `%XX`.
  package static func percentEncoded(_ text: String) -> [UInt8] {
    var encoded: [UInt8] = []
    encoded.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
        encoded.append(byte)
      } else {
        encoded += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 0xF)]]
      }
    }
    return encoded
  }

  /// Bytes for a field whose name ends in `-bin`: base64 without padding.
  package static func base64(_ bytes: [UInt8]) -> [UInt8] {
    var encoded: [UInt8] = []
    encoded.reserveCapacity((bytes.count * 4 + 2) / 3)
    var position = 0
    while position < bytes.count {
      let group = bytes[position..<min(position + 3, bytes.count)]
      var bits: UInt32 = 0
      for byte in group { bits = bits << 8 | UInt32(byte) }
      bits <<= UInt32(8 * (3 - group.count))
      for digit in 0...group.count { encoded.append(base64Digits[Int(bits >> UInt32(18 - 6 * digit)) & 0x3F]) }
      position += 3
    }
    return encoded
  }

  /// The text of a `grpc-message`; what makes no sense stays as it is.
  package static func percentDecoded(_ text: String) -> String {
    let encoded = Array(text.utf8)
    var decoded: [UInt8] = []
    var position = 0
    while position < encoded.count {
      if encoded[position] == UInt8(ascii: "%"), position + 2 < encoded.count,
        let byte = UInt8(String(decoding: encoded[position + 1...position + 2], as: UTF8.self), radix: 16)
      {
        decoded.append(byte)
        position += 3
      } else {
        decoded.append(encoded[position])
        position += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  /// The bytes of a field whose name ends in `-bin`, padded or not.
  /// - Returns: nil for what is not base64.
  package static func bytes(base64 text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    for digit in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
      guard let value = base64Digits.firstIndex(of: digit) else { return nil }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    return bytes
  }
}
