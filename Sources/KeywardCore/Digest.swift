import CCrypto

/// The SHA-256 of a secret: what is stored in its place.
///
/// Equality takes the same time whatever the digests hold, so that its duration tells nothing about a stored one.
public struct Digest: Sendable {
  /// The digest's bytes as four words in the machine's order.
  let words: (UInt64, UInt64, UInt64, UInt64)

  public static let byteCount = 32

  /// The SHA-256 of the bytes.
  public init(sha256 bytes: UnsafeRawBufferPointer) {
    if bytes.count <= Self.maxPaddedByteCount {
      self.init(padding: bytes)
      return
    }
    var context = SHA256_CTX()
    SHA256_Init(&context)
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
    self.init { _ = SHA256_Final($0, &context) }
  }

  /// How many bytes one block takes together with what ends every message: a bit, and the message's length in eight bytes.
  private static let maxPaddedByteCount = Int(SHA256_CBLOCK) - 9

  /// As ``init(sha256:)`` for what one block takes, such as a secret of keyward's own: it is not copied into the context,
  /// which saves a tenth of the time.
  private init(padding bytes: UnsafeRawBufferPointer) {
    var block: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    var context = SHA256_CTX()
    SHA256_Init(&context)
    withUnsafeMutableBytes(of: &block) { block in
      block.copyMemory(from: bytes)
      block[bytes.count] = 0x80
      block.storeBytes(of: UInt64(bytes.count * 8).bigEndian, toByteOffset: 56, as: UInt64.self)
      SHA256_Transform(&context, block.baseAddress?.assumingMemoryBound(to: UInt8.self))
      OPENSSL_cleanse(block.baseAddress, block.count)
    }
    func word(_ high: UInt32, _ low: UInt32) -> UInt64 { (UInt64(high) << 32 | UInt64(low)).bigEndian }
    let hash = context.h
    words = (word(hash.0, hash.1), word(hash.2, hash.3), word(hash.4, hash.5), word(hash.6, hash.7))
  }

  /// - Parameter write: writes ``byteCount`` bytes.
  fileprivate init(_ write: (UnsafeMutablePointer<UInt8>?) -> Void) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { write($0.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
    self.words = words
  }

  static let ofNothing = Digest(sha256: UnsafeRawBufferPointer(start: nil, count: 0))

  /// A stored digest.
  /// - Returns: nil unless there are 32 bytes.
  public init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
    words = (word(0), word(1), word(2), word(3))
  }

  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Swift.withUnsafeBytes(of: words) { body($0) }
  }
}

/// The SHA-256 of what comes piece by piece.
struct Hashing: Sendable {
  private var context = SHA256_CTX()

  init() {
    SHA256_Init(&context)
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  /// The digest of what has come so far.
  var digest: Digest {
    var context = context
    return Digest { _ = SHA256_Final($0, &context) }
  }
}

extension Digest: Hashable {
  public static func == (a: Digest, b: Digest) -> Bool {
    let difference =
      (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3)
    return difference == 0
  }

  // All of it, for an imported digest is of a peer's choice.
  public func hash(into hasher: inout Hasher) {
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
