/// From a digest to the row of its key: open addressing with linear probing, at most three quarters full.
///
/// SHA-256 spreads the digests evenly, so their first word serves as the hash.
struct DigestTable {
  private struct Entry {
    let digest: Digest
    let row: UInt32
  }

  private var entries: [Entry] = []
  /// Index of an entry plus one; 0 is empty. The count is a power of two.
  private var slots: [UInt32] = Array(repeating: 0, count: 64)

  func row(of digest: Digest) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: digest.words.0) & mask
    while slots[slot] != 0 {
      let entry = entries[Int(slots[slot] - 1)]
      if entry.digest == digest { return Int(entry.row) }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// - Precondition: the digest is not in the table.
  mutating func insert(_ digest: Digest, row: Int) {
    entries.append(Entry(digest: digest, row: UInt32(row)))
    if entries.count * 4 > slots.count * 3 {
      grow()
    } else {
      place(entries.count - 1)
    }
  }

  mutating func reserve(_ count: Int) {
    entries.reserveCapacity(count)
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in entries.indices { place(index) }
  }

  private mutating func place(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[index].digest.words.0) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(index + 1)
  }
}
