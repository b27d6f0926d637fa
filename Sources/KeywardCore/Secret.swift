import CCrypto

/// What a key's holder presents: `kw_chat_` or `kw_mail_`, 30 random base62 characters (178 bits), and 6 of CRC-32
/// over all that precede them.
///
/// It exists from the moment it is made until it has been sent to whoever asked for the key, and in the holder's
/// hands. Its bytes live in one place, are wiped with it, and appear in no description.
///
/// `Sendable` because the bytes are written before the initializer returns and only read after.
public final class Secret: @unchecked Sendable {
  private let bytes: UnsafeMutableBufferPointer<UInt8>

  static let prefixCount = 8
  static let randomCount = 30
  static let checksumCount = 6

  /// The length of a secret that keyward made: 44 bytes of ASCII.
  public static let byteCount = prefixCount + randomCount + checksumCount

  /// A new secret. Nothing derives it.
  /// - Parameter generator: the system's CSPRNG everywhere but in a test.
  public static func random(for permission: Permission, using generator: inout some RandomNumberGenerator) -> Secret {
    let secret = Secret(count: byteCount)
    for index in 0..<prefixCount { secret.bytes[index] = permission.secretPrefix.utf8Start[index] }
    // Ten digits at once, from one number.
    for start in stride(from: prefixCount, to: prefixCount + randomCount, by: 10) {
      Base62.writeTen(
        .random(in: 0..<Base62.tenDigitLimit, using: &generator),
        to: UnsafeMutableBufferPointer(rebasing: secret.bytes[start..<start + 10]))
    }
    let body = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(secret.bytes)[..<(prefixCount + randomCount)])
    Base62.write(
      UInt64(CRC32.checksum(body)),
      to: UnsafeMutableBufferPointer(rebasing: secret.bytes[(prefixCount + randomCount)...]))
    return secret
  }

  /// A copy of a secret's bytes, in whatever form: it may be another system's.
  public init(copying source: UnsafeRawBufferPointer) {
    bytes = .allocate(capacity: source.count)
    _ = bytes.initialize(from: source)
  }

  private init(count: Int) {
    bytes = .allocate(capacity: count)
    bytes.initialize(repeating: 0)
  }

  deinit {
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(bytes))
  }

  public var digest: Digest { Digest(sha256: UnsafeRawBufferPointer(bytes)) }

  /// What tells the secret apart without giving it away: its prefix, `…`, its last four characters.
  public var hint: String {
    precondition(bytes.count == Self.byteCount, "only a secret of ours has this hint")
    return String(decoding: bytes.prefix(Self.prefixCount), as: UTF8.self) + "…"
      + String(decoding: bytes.suffix(4), as: UTF8.self)
  }
}
