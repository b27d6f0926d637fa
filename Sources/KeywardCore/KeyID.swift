/// A key's public name: `key_` and 20 base62 characters.
public struct KeyID: Hashable, Sendable {
  // The 20 digits as two numbers of ten, which keeps a million ids in 16 MB.
  private let high: UInt64
  private let low: UInt64

  /// All of it as two words.
  var words: (UInt64, UInt64) { (high, low) }

  private static let prefix = StaticString("key_")
  private static let halfDigits = 10
  private static let halfLimit: UInt64 = 839_299_365_868_340_224  // 62^10

  /// The length of every id: 24 bytes of ASCII.
  public static let byteCount = 24

  /// A new id, from 119 random bits.
  public static func random(using generator: inout some RandomNumberGenerator) -> KeyID {
    KeyID(
      high: .random(in: 0..<halfLimit, using: &generator), low: .random(in: 0..<halfLimit, using: &generator))
  }

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads an id.
  /// - Returns: nil for any other text.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == Self.byteCount, bytes.starts(with: "key_".utf8),
      let high = Base62.read(bytes[4..<14]), let low = Base62.read(bytes[14..<24])
    else { return nil }
    self.init(high: high, low: low)
  }

  /// Writes the id's ``byteCount`` bytes.
  public func write(to bytes: UnsafeMutableBufferPointer<UInt8>) {
    precondition(bytes.count >= Self.byteCount, "an id takes 24 bytes")
    let prefix = Self.prefix.utf8CodeUnitCount
    for index in 0..<prefix { bytes[index] = Self.prefix.utf8Start[index] }
    Base62.write(high, to: UnsafeMutableBufferPointer(rebasing: bytes[prefix..<prefix + Self.halfDigits]))
    Base62.write(
      low,
      to: UnsafeMutableBufferPointer(rebasing: bytes[prefix + Self.halfDigits..<prefix + 2 * Self.halfDigits]))
  }
}

extension KeyID: CustomStringConvertible {
  public var description: String {
    String(unsafeUninitializedCapacity: Self.byteCount) { buffer in
      write(to: buffer)
      return Self.byteCount
    }
  }
}
