/// From something that each key of an upload has to the entry that has it: open addressing with linear probing, at
/// most half full.
///
/// It refers to the upload's portions and holds no copy: of a million names and digests that would be much.
struct EntryTable<Value: Hashable>: Sendable {
  private typealias Entry = ImportUpload.Entry

  private let value: @Sendable (ImportKey) -> Value
  /// The count is a power of two.
  private var slots = [Entry](repeating: Self.empty, count: 64)
  private var count = 0

  private static var empty: Entry { Entry(portion: -1, number: -1) }

  /// - Parameter value: what no two entries may have alike.
  init(_ value: @escaping @Sendable (ImportKey) -> Value) {
    self.value = value
  }

  /// Puts an entry in.
  /// - Parameter portions: what all entries refer to.
  /// - Returns: the entry that has the same value, where there is one; then the new one is left out.
  mutating func insert(_ entry: ImportUpload.Entry, of portions: [[ImportKey]]) -> ImportUpload.Entry? {
    if (count + 1) * 2 > slots.count { grow(portions) }
    let slot = slot(for: entry, of: portions)
    guard slots[slot] == Self.empty else { return slots[slot] }
    slots[slot] = entry
    count += 1
    return nil
  }

  /// Where an entry with the same value is, or an empty slot where there is none.
  private func slot(for entry: Entry, of portions: [[ImportKey]]) -> Int {
    let value = value(portions[Int(entry.portion)][Int(entry.number)])
    let mask = slots.count - 1
    // Swift's hashes are keyed anew by each process, so no peer chooses where values meet.
    var slot = value.hashValue & mask
    while slots[slot] != Self.empty {
      let other = slots[slot]
      if self.value(portions[Int(other.portion)][Int(other.number)]) == value { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow(_ portions: [[ImportKey]]) {
    let old = slots
    slots = [Entry](repeating: Self.empty, count: old.count * 2)
    for entry in old where entry != Self.empty { slots[slot(for: entry, of: portions)] = entry }
  }
}
