import CPrefetch

/// Where a row is found, for as long as the rows are kept and none of them is changed.
struct KeyPlace {
  // The rows keep the block, so that it need not be counted once more.
  fileprivate let block: Unmanaged<KeyBlock>
  fileprivate let row: Int

  @inline(__always)
  func with<Result>(_ body: (KeyBlock, Int) -> Result) -> Result { block._withUnsafeGuaranteedRef { body($0, row) } }

  /// Has the row's record in the cache when it is read a little later.
  @inline(__always)
  func prefetchRecord() {
    with { block, row in prefetch(block.records + row) }
  }

  /// As ``prefetchRecord()`` for its name.
  @inline(__always)
  func prefetchName() {
    with { block, row in prefetch(block.name(row).baseAddress) }
  }
}

/// The keys' rows, in the order of their ordinals, in blocks that a snapshot shares. A change copies the block that it
/// is in if a snapshot has it, and no more.
struct KeyRows: Sendable {
  private var blocks = ChunkedArray<KeyBlock>(chunkBits: 8)
  /// Rows, those of keys that are gone counted.
  private(set) var count = 0

  private static let rowMask = KeyBlock.capacity - 1

  var blockCount: Int { blocks.count }

  func block(_ number: Int) -> KeyBlock { blocks[number] }

  @inline(__always)
  func withRow<Result>(_ row: Int, _ body: (KeyBlock, Int) -> Result) -> Result { place(of: row).with(body) }

  @inline(__always)
  func place(of row: Int) -> KeyPlace {
    KeyPlace(block: .passUnretained(blocks[row >> KeyBlock.bits]), row: row & Self.rowMask)
  }

  @inline(__always)
  func record(_ row: Int) -> KeyRecord { withRow(row) { block, row in block.records[row] } }

  func ordinal(_ row: Int) -> Int64 { withRow(row) { block, row in block.histories[row].ordinal } }

  /// How many rows have an ordinal lower than one.
  func count(below ordinal: Int64) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self.ordinal(middle) < ordinal { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// - Precondition: the ordinal is higher than every one before.
  mutating func append(_ stored: StoredKey, creator: UInt32, updater: UInt32) {
    if count & Self.rowMask == 0 { blocks.append(KeyBlock()) }
    change(count) { block, _ in
      block.append(stored.key, stored.digest, ordinal: stored.ordinal, creator: creator, updater: updater)
    }
    count += 1
  }

  /// Changes the block of a row.
  mutating func change(_ row: Int, _ body: (KeyBlock, Int) -> Void) {
    let number = row >> KeyBlock.bits
    if !isKnownUniquelyReferenced(&blocks[number]) { blocks[number] = KeyBlock(copying: blocks[number]) }
    body(blocks[number], row & Self.rowMask)
  }
}
