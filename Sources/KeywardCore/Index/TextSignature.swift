/// Which groups of a block's rows may hold a text, told without looking at their texts: of every three bytes that follow
/// each other in a group's texts, that they do.
///
/// Three bytes have two places, each of which others share, so that a group may be named in vain; one that holds the
/// text always is. It has no memory of its own.
struct TextSignature {
  /// Of each place one bit a group.
  private let places: UnsafeMutablePointer<UInt16>

  static let groupCount = 16
  private static let placeBits: UInt64 = 9
  static let byteCount = 2 << Int(placeBits)

  /// - Parameter memory: ``byteCount`` bytes, those of a signature or zeros.
  init(_ memory: UnsafeMutableRawPointer) {
    places = memory.assumingMemoryBound(to: UInt16.self)
  }

  /// Adds a text to those of a group.
  /// - Parameter text: one byte behind it may be read too.
  func insert(_ text: UnsafeRawBufferPointer, _ group: Int) {
    guard text.count >= 3, let start = text.baseAddress else { return }
    let bit: UInt16 = 1 << UInt16(group)
    for index in 0...text.count - 3 {
      let (first, second) = Self.pair(of: start + index)
      places[first] |= bit
      places[second] |= bit
    }
  }

  /// Takes all texts out of a group.
  func clear(_ group: Int) {
    let others: UInt16 = ~(1 << UInt16(group))
    for place in 0..<1 << Int(Self.placeBits) { places[place] &= others }
  }

  /// Of each group that may hold a text a bit.
  /// - Parameter wanted: the ``places(of:)`` of the text.
  func groups(_ wanted: [Int]) -> UInt16 {
    var groups = UInt16.max
    for place in wanted { groups &= places[place] }
    return groups
  }

  /// The places of a text's bytes, each once; none of a text that is too short to have any.
  static func places(of text: [UInt8]) -> [Int] {
    let text = text + [0]
    return text.withUnsafeBytes { text in
      guard text.count > 3, let start = text.baseAddress else { return [] }
      let pairs = (0...text.count - 4).map { pair(of: start + $0) }
      return Set(pairs.flatMap { [$0, $1] }).sorted()
    }
  }

  /// The places of three bytes, the same for both cases of a letter.
  @inline(__always)
  private static func pair(of start: UnsafeRawPointer) -> (Int, Int) {
    let bytes = UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)) & 0xFF_FFFF
    let folded = bytes | (bytes & 0x40_4040) >> 1
    // Only the highest bits of a product depend on all of its factors' bits.
    let hash = UInt64(folded) &* 0x9E37_79B9_7F4A_7C15
    return (Int(hash >> (64 - placeBits)), Int(hash >> (64 - 2 * placeBits) & (1 << placeBits - 1)))
  }
}
