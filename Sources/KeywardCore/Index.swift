/// Every key in memory: found by digest, id and name, and in the order of creation.
///
/// It holds what the store has committed and nothing else.
struct Index {
  private(set) var keys: [Key] = []
  private var ordinals: [Int64] = []
  private var byDigest = DigestTable()
  private var byID: [KeyID: Int] = [:]
  /// Keys that are not deleted.
  private var byName: [KeyName: Int] = [:]
  private(set) var revision: Revision = 0

  /// Keys that are not deleted.
  var count: Int { byName.count }

  /// Where ``keys`` has the key with the digest.
  func row(digest: Digest) -> Int? { byDigest.row(of: digest) }

  func key(id: KeyID) -> Key? { byID[id].map { keys[$0] } }

  func key(name: KeyName) -> Key? { byName[name].map { keys[$0] } }

  func contains(_ name: KeyName) -> Bool { byName[name] != nil }

  /// - Precondition: the ordinal is higher than every one before, and the id, digest and name are new.
  mutating func insert(_ stored: StoredKey) {
    let row = keys.count
    keys.append(stored.key)
    ordinals.append(stored.ordinal)
    byDigest.insert(stored.digest, row: row)
    byID[stored.key.id] = row
    if stored.key.deleteTime == nil { byName[stored.key.name] = row }
    advance(to: stored.key.revision)
  }

  mutating func advance(to revision: Revision) {
    self.revision = max(self.revision, revision)
  }

  /// Up to `limit` keys past an ordinal, with the ordinal of the last of them, and whether more follow.
  func page(
    after ordinal: Int64, limit: Int, where isIncluded: (Key) -> Bool
  ) -> (keys: [Key], last: Int64, hasMore: Bool) {
    var found: [Key] = []
    var last = ordinal
    for row in firstRow(after: ordinal)..<keys.count where isIncluded(keys[row]) {
      if found.count == limit { return (found, last, true) }
      found.append(keys[row])
      last = ordinals[row]
    }
    return (found, last, false)
  }

  private func firstRow(after ordinal: Int64) -> Int {
    var low = 0
    var high = ordinals.count
    while low < high {
      let middle = (low + high) / 2
      if ordinals[middle] <= ordinal { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
