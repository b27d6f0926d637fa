/// A presented secret as far as it can be judged without a look-up. The secret itself stays behind.
public enum PresentedSecret: Sendable, Equatable {
  /// It cannot be one: empty, over ``maxByteCount``, or it begins with `kw_` and its form or checksum is wrong.
  case malformed
  /// What to look up.
  case digest(Digest)

  /// The longest secret looked at, keyward's own or another system's: 512 bytes.
  public static let maxByteCount = 512

  public init(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty, bytes.count <= Self.maxByteCount,
      !Self.claimsToBeOurs(bytes) || Self.isWellFormed(bytes)
    else {
      self = .malformed
      return
    }
    self = .digest(Digest(sha256: bytes))
  }

  /// Whether the bytes have the form and the checksum of a secret that keyward made.
  static func isOurs(_ bytes: UnsafeRawBufferPointer) -> Bool { claimsToBeOurs(bytes) && isWellFormed(bytes) }

  /// Whether a secret that keyward made stands anywhere in a text.
  package static func isPart(of text: String) -> Bool {
    guard text.utf8.count >= Secret.byteCount else { return false }
    var text = text
    return text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      return (0...bytes.count - Secret.byteCount).contains { start in
        isOurs(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Secret.byteCount]))
      }
    }
  }

  private static func claimsToBeOurs(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 3 && bytes[0] == UInt8(ascii: "k") && bytes[1] == UInt8(ascii: "w")
      && bytes[2] == UInt8(ascii: "_")
  }

  private static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == Secret.byteCount,
      let permission = Permission.chat.isPrefix(of: bytes)
        ? Permission.chat : Permission.secureMail.isPrefix(of: bytes) ? .secureMail : nil
    else { return false }
    let split = Secret.byteCount - Secret.checksumCount
    let body = UnsafeRawBufferPointer(rebasing: bytes[Secret.prefixCount..<split])
    guard Base62.areDigits(body) else { return false }
    return Base62.read(bytes[split...]) == UInt64(CRC32.checksum(body, after: permission.prefixChecksum))
  }
}
