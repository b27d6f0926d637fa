/// A key's public name: `key_` and 20 base62 characters.
public struct KeyID: Hashable, Sendable {
  // The 20 digits as two numbers of ten, which keeps a million ids in 16 MB.
  private let high: UInt64
  private let low: UInt64

  /// All of it as two words.
  var words: (UInt64, UInt64) { (high, low) }

  private static let prefix = StaticString("key_")
  private static var prefixBytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
  }
  private static let halfDigits = 10

  /// The length of every id: 24 bytes of ASCII.
  public static let byteCount = 24

  /// A new id for a key made at an instant: eight digits for its milliseconds, then twelve of 71 random bits. Ids that
  /// are made one after the other so lie side by side in a store's indices, where ids in no order would have each key
  /// change pages of its own.
  public static func random(at instant: Instant, using generator: inout some RandomNumberGenerator) -> KeyID {
    let milliseconds = min(UInt64(max(instant.microseconds, 0)) / 1000, timeLimit - 1)
    return KeyID(
      high: milliseconds * twoDigitLimit + .random(in: 0..<twoDigitLimit, using: &generator),
      low: .random(in: 0..<Base62.tenDigitLimit, using: &generator))
  }

  /// 62^8, some time in the year 8888, and 62^2.
  private static let timeLimit: UInt64 = 218_340_105_584_896
  private static let twoDigitLimit: UInt64 = 3844

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads an id.
  /// - Returns: nil for any other text.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    guard let id = text.withUTF8({ KeyID(utf8: $0) }) else { return nil }
    self = id
  }

  /// As ``init(_:)`` for the bytes of a text.
  public init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    let digits = bytes.dropFirst(Self.prefix.utf8CodeUnitCount)
    guard bytes.count == Self.byteCount, bytes.starts(with: Self.prefixBytes),
      let high = Base62.read(digits.prefix(Self.halfDigits)), let low = Base62.read(digits.dropFirst(Self.halfDigits))
    else { return nil }
    self.init(high: high, low: low)
  }

  /// Writes the id's ``byteCount`` bytes.
  public func write(to bytes: UnsafeMutableBufferPointer<UInt8>) {
    precondition(bytes.count >= Self.byteCount, "an id takes 24 bytes")
    let prefix = Self.prefix.utf8CodeUnitCount
    for index in 0..<prefix { bytes[index] = Self.prefix.utf8Start[index] }
    Base62.writeTen(high, to: UnsafeMutableBufferPointer(rebasing: bytes[prefix..<prefix + Self.halfDigits]))
    Base62.writeTen(
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
