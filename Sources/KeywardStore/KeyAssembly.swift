import KeywardCore

/// Puts the rows of ``KeyRow/selection`` together to keys, each with all its digests.
struct KeyAssembly {
  private var key: StoredKey?
  private var former: [FormerDigest] = []
  private(set) var rowCount: Int64 = 0

  /// The key whose rows were taken last.
  var last: StoredKey? {
    key.map { StoredKey(key: $0.key, digest: $0.digest, former: former, ordinal: $0.ordinal) }
  }

  /// Takes the present row.
  /// - Returns: the key before, once the row belongs to another.
  mutating func take(_ row: Statement, limit: Revision) throws(StoreError) -> StoredKey? {
    rowCount += 1
    if let key, key.ordinal == KeyRow.ordinal(row) {
      former.append(try KeyRow.readFormer(row))
      return nil
    }
    let complete = last
    key = try KeyRow.read(row, limit: limit)
    former = []
    return complete
  }
}
