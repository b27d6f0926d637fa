/// Rows of one block.
struct RowSet {
  private var words = SIMD8<UInt64>()

  /// - Parameter count: how many rows, from the first on.
  init(first count: Int = 0) {
    for word in 0..<8 {
      let bits = min(64, max(0, count - word * 64))
      words[word] = bits == 64 ? .max : 1 << UInt64(bits) - 1
    }
  }

  var count: Int { (0..<8).reduce(0) { $0 + words[$1].nonzeroBitCount } }

  var isEmpty: Bool { words == SIMD8() }

  mutating func insert(_ row: Int) {
    words[row >> 6] |= 1 << UInt64(row & 63)
  }

  mutating func remove(_ row: Int) {
    words[row >> 6] &= ~(1 << UInt64(row & 63))
  }

  mutating func formUnion(_ other: RowSet) {
    words |= other.words
  }

  mutating func formIntersection(_ other: RowSet) {
    words &= other.words
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
