/// Rows of one block.
struct RowSet {
  private var words = InlineArray<8, UInt64>(repeating: 0)

  init() {}

  /// The first rows, as many of them as there are, of which something is so.
  @inline(__always)
  init(first count: Int, where isSo: (Int) -> Bool = { _ in true }) {
    for word in 0..<(count + 63) / 64 {
      var bits: UInt64 = 0
      for row in word * 64..<min(count, word * 64 + 64) { bits |= (isSo(row) ? 1 : 0) << UInt64(row & 63) }
      words[word] = bits
    }
  }

  var count: Int { words.indices.reduce(0) { $0 + words[$1].nonzeroBitCount } }

  var isEmpty: Bool { words.indices.allSatisfy { words[$0] == 0 } }

  mutating func insert(_ row: Int) {
    words[row >> 6] |= 1 << UInt64(row & 63)
  }

  /// Adds rows of 32 that follow each other, each by its bit.
  /// - Parameter first: a multiple of 32.
  mutating func insert(_ rows: UInt32, from first: Int) {
    words[first >> 6] |= UInt64(rows) << UInt64(first & 63)
  }

  mutating func remove(_ row: Int) {
    words[row >> 6] &= ~(1 << UInt64(row & 63))
  }

  mutating func formIntersection(_ other: RowSet) {
    for word in words.indices { words[word] &= other.words[word] }
  }

  /// Calls with each row, from the first on or from the last on, until told to stop.
  /// - Returns: whether it came to the end.
  @discardableResult
  func visit(descending: Bool = false, _ body: (Int) -> Bool) -> Bool {
    for step in 0..<8 {
      let word = descending ? 7 - step : step
      var bits = words[word]
      while bits != 0 {
        let bit = descending ? 63 - bits.leadingZeroBitCount : bits.trailingZeroBitCount
        bits &= ~(1 << UInt64(bit))
        if !body(word * 64 + bit) { return false }
      }
    }
    return true
  }
}
