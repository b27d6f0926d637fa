/// From a digest to the row of its key: open addressing with linear probing, at most three quarters full.
///
/// The hash is keyed by random words of each table: imports bring digests of a peer's choice, which must not be made to
/// meet in one place.
struct DigestTable {
  struct Entry {
    let digest: Digest
    let row: UInt32
    /// The instant at which the digest stops being good; ``Instant/distantFuture`` for a key's own.
    var until: Instant
  }

  private var entries: [Entry] = []
  /// Index of an entry plus one; 0 is empty. The count is a power of two.
  private var slots: [UInt32] = Array(repeating: 0, count: 64)
  /// Entries that are removed stay, so that probing goes on past them, until the table is made anew.
  private var removedCount = 0

  private static let removed = UInt32.max

  private let seed: (UInt64, UInt64, UInt64, UInt64) = (
    .random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max)
  )

  /// Folded products of the words with the seed, as wyhash mixes them.
  private func hash(_ digest: Digest) -> Int {
    let first = (digest.words.0 ^ seed.0).multipliedFullWidth(by: digest.words.1 ^ seed.1)
    let second = (digest.words.2 ^ seed.2).multipliedFullWidth(by: digest.words.3 ^ seed.3)
    return Int(truncatingIfNeeded: first.high ^ first.low ^ second.high &+ second.low)
  }

  subscript(digest: Digest) -> Entry? { index(of: digest).map { entries[$0] } }

  /// - Precondition: the digest is not in the table.
  mutating func insert(_ digest: Digest, row: Int, until: Instant = .distantFuture) {
    entries.append(Entry(digest: digest, row: UInt32(row), until: until))
    if entries.count * 4 > slots.count * 3 {
      rebuild()
    } else {
      place(entries.count - 1)
    }
  }

  /// Lets a digest be good until an instant and no longer.
  mutating func limit(_ digest: Digest, until: Instant) {
    if let index = index(of: digest) { entries[index].until = min(entries[index].until, until) }
  }

  mutating func remove(_ digest: Digest) {
    guard let index = index(of: digest) else { return }
    entries[index] = Entry(digest: digest, row: Self.removed, until: .epoch)
    removedCount += 1
  }

  private func index(of digest: Digest) -> Int? {
    let mask = slots.count - 1
    var slot = hash(digest) & mask
    while slots[slot] != 0 {
      let index = Int(slots[slot] - 1)
      if entries[index].row != Self.removed, entries[index].digest == digest { return index }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private mutating func rebuild() {
    if removedCount > 0 { entries.removeAll { $0.row == Self.removed } }
    removedCount = 0
    while entries.count * 4 > slots.count * 3 || entries.count * 2 > slots.count {
      slots = Array(repeating: 0, count: slots.count * 2)
    }
    for slot in slots.indices { slots[slot] = 0 }
    for index in entries.indices { place(index) }
  }

  private mutating func place(_ index: Int) {
    let mask = slots.count - 1
    var slot = hash(entries[index].digest) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(index + 1)
  }
}
