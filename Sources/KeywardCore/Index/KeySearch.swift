/// Looks through blocks of keys, counts what is found and keeps the first ones of an order.
struct KeySearch {
  private let order: ListOrder
  private let limit: Int
  /// Only what comes after it is kept.
  private let start: Candidate?
  private var kept: [Candidate] = []
  private var hasMore = false

  init(_ order: ListOrder, limit: Int, after start: Candidate?) {
    self.order = order
    self.limit = limit
    self.start = start
  }

  /// What is kept, and whether there is more behind it.
  var page: (candidates: [Candidate], hasMore: Bool) { (kept, hasMore) }

  /// - Returns: how many keys are found in all.
  mutating func run(_ rows: KeyRows, _ filter: KeyFilter, _ lastUses: (Range<Int>) -> [Instant?]) -> Int {
    var total = 0
    // The order of creation is that of the rows, so that what comes after a full page is only counted.
    let isByRow = order.field == .createTime
    let isReversed = isByRow && order.isDescending
    for step in 0..<rows.blockCount {
      let number = isReversed ? rows.blockCount - 1 - step : step
      let block = rows.block(number)
      let found = filter.rows(of: block)
      if found.isEmpty { continue }
      total += found.count
      if isByRow, hasMore { continue }
      let first = number * KeyBlock.capacity
      let uses = order.field == .lastUsedTime ? lastUses(first..<first + block.count) : []
      found.visit(descending: isReversed) { row in
        offer(candidate(row, of: block, first, uses))
        return !(isByRow && hasMore)
      }
    }
    return total
  }

  private func candidate(_ row: Int, of block: KeyBlock, _ first: Int, _ uses: [Instant?]) -> Candidate {
    var candidate = Candidate(place: 2 * (first + row) + 1)
    switch order.field {
    case .createTime: break
    case .name: candidate.name = block.searchText(row)
    case .expireTime: candidate.instant = block.records[row].expireTime.microseconds
    case .lastUsedTime: candidate.instant = uses[row]?.microseconds ?? .min
    }
    return candidate
  }

  private mutating func offer(_ candidate: Candidate) {
    if let start, !isSorted(start, candidate) { return }
    if kept.count == limit {
      hasMore = true
      guard let last = kept.last, isSorted(candidate, last) else { return }
      kept.removeLast()
    }
    // Most orders are offered nearly sorted, so the place is looked for from the end.
    var low = 0
    var high = kept.count
    if let last = kept.last, isSorted(last, candidate) { low = high }
    while low < high {
      let middle = (low + high) / 2
      if isSorted(kept[middle], candidate) { low = middle + 1 } else { high = middle }
    }
    kept.insert(candidate, at: low)
  }

  /// Whether the first comes before the second; equal ones do not.
  private func isSorted(_ a: Candidate, _ b: Candidate) -> Bool { order.isDescending ? b.precedes(a) : a.precedes(b) }
}

/// A key that may come onto the page, and what it is ordered by.
struct Candidate {
  /// Twice its row and one; between two of these for a key that is gone.
  let place: Int
  /// Microseconds, in an order by an instant; else 0.
  var instant: Int64 = 0
  /// In an order by name what the key is searched by, in a block that is kept as long as this; else empty.
  var name = UnsafeRawBufferPointer(start: nil, count: 0)

  var row: Int { place / 2 }

  var foldedName: String { CaseFolding.folded(String(decoding: name, as: UTF8.self)) }

  /// Whether it comes before another in ascending order.
  func precedes(_ other: Candidate) -> Bool {
    if instant != other.instant { return instant < other.instant }
    let order = compareNames(other)
    return order != 0 ? order < 0 : place < other.place
  }

  /// By code points, in the folded form: the same on every host, whatever its locale. UTF-8 sorts as its code points.
  private func compareNames(_ other: Candidate) -> Int {
    for index in 0..<min(name.count, other.name.count) {
      let (a, b) = (Self.folded(name[index]), Self.folded(other.name[index]))
      if a != b { return a < b ? -1 : 1 }
    }
    return name.count - other.name.count
  }

  private static func folded(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
