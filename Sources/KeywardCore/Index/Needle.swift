/// A text to find in the search texts of a block: folded already, while ASCII letters of what is searched may be of
/// either case.
struct Needle {
  private let bytes: [UInt8]
  /// Of each byte the bit that tells the cases of a letter apart; 0 of what is no letter.
  private let cases: [UInt8]
  /// The first eight bytes of both, and which of them count.
  private let start: (word: UInt64, cases: UInt64, mask: UInt64)

  private typealias Window = SIMD32<UInt8>

  /// - Parameter folded: not empty.
  /// - Returns: nil for what no search text can hold.
  init?(_ folded: String) {
    bytes = Array(folded.utf8)
    guard !bytes.isEmpty, !bytes.contains(KeyBlock.separator) else { return nil }
    cases = bytes.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? 0x20 : 0 }
    func word(_ bytes: some Sequence<UInt8>) -> UInt64 {
      bytes.prefix(8).enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64($1.offset * 8) }
    }
    start = (word(bytes), word(cases), word(bytes.map { _ in 0xFF }))
  }

  /// Whether it is in a text that is folded.
  func isIn(_ folded: String) -> Bool {
    var folded = folded
    return folded.withUTF8 { hay in
      guard hay.count >= bytes.count else { return false }
      return (0...hay.count - bytes.count).contains { start in
        hay[start] == bytes[0] && hay[start..<start + bytes.count].elementsEqual(bytes)
      }
    }
  }

  /// The rows of a block whose search text holds it.
  func rows(of block: KeyBlock) -> RowSet {
    var found = RowSet()
    let limit = block.search.count - bytes.count
    let text = UnsafeRawPointer(block.search.start)
    let ends = block.ends
    let last = bytes.count - 1
    // Each of either case; compared with both, for that takes fewer instructions than making both one.
    let (first, otherFirst) = (Window(repeating: bytes[0]), Window(repeating: bytes[0] ^ cases[0]))
    let (final, otherFinal) = (Window(repeating: bytes[last]), Window(repeating: bytes[last] ^ cases[last]))
    var row = 0
    var position = 0
    while position <= limit {
      // Where the first byte and the last one fit, the ones between are looked at.
      let heads = (text + position).loadUnaligned(as: Window.self)
      let tails = (text + position + last).loadUnaligned(as: Window.self)
      let fitting = (heads .== first .| heads .== otherFirst) .& (tails .== final .| tails .== otherFinal)
      let fits = unsafeBitCast(fitting, to: SIMD4<UInt64>.self)
      let end = position + Window.scalarCount
      var next = end
      if fits != SIMD4() {
        var marks = Self.bits(of: fits)
        while marks != 0 {
          let hit = position + marks.trailingZeroBitCount
          marks &= marks &- 1
          guard hit <= limit, isAt(text + hit) else { continue }
          row = Self.row(of: hit, from: row, block.count, ends)
          found.insert(row)
          // One hit in a row is enough.
          next = max(end, Int(ends[row]))
          marks &= .max << UInt64(min(63, Int(ends[row]) - position))
        }
      }
      position = next
    }
    return found
  }

  /// One bit for each of 32 bytes, of which all bits are set or none.
  @inline(__always)
  private static func bits(of bytes: SIMD4<UInt64>) -> UInt64 {
    func bits(_ word: UInt64) -> UInt64 { ((word & 0x0101_0101_0101_0101) &* 0x0102_0408_1020_4080) >> 56 }
    return bits(bytes[0]) | bits(bytes[1]) << 8 | bits(bytes[2]) << 16 | bits(bytes[3]) << 24
  }

  private func isAt(_ place: UnsafeRawPointer) -> Bool {
    let word = place.loadUnaligned(as: UInt64.self)
    guard (word | start.cases) & start.mask == start.word else { return false }
    var index = 8
    while index < bytes.count {
      guard place.load(fromByteOffset: index, as: UInt8.self) | cases[index] == bytes[index] else { return false }
      index += 1
    }
    return true
  }

  /// The row in whose text a position is: that row or one behind it.
  private static func row(of position: Int, from row: Int, _ count: Int, _ ends: UnsafePointer<UInt32>) -> Int {
    if Int(ends[row]) > position { return row }
    // In steps that double, then between the last two.
    var (low, step) = (row, 1)
    while low + step < count, Int(ends[low + step]) <= position {
      low += step
      step *= 2
    }
    var high = min(low + step, count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(ends[middle]) <= position { low = middle } else { high = middle }
    }
    return high
  }
}
