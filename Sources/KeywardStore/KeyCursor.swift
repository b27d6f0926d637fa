import KeywardCore

/// Goes along the tables of keys and digests side by side, and puts each key together with all its digests.
struct KeyCursor {
  private let keys: Statement
  private let digests: Statement
  /// The store's revision, which no key's exceeds.
  private let limit: Revision
  /// The key that the present row of ``digests`` belongs to; nil past the last row.
  private var digestOwner: Int64?

  /// - Parameters:
  ///   - keys: ``KeyRow/selection``.
  ///   - digests: ``KeyRow/digestSelection``. Whoever made the cursor finishes both statements.
  init(keys: Statement, digests: Statement, limit: Revision) throws(SQLiteError) {
    self.keys = keys
    self.digests = digests
    self.limit = limit
    try advanceDigests()
  }

  /// What stopped a cursor.
  enum Failure: Error {
    case database(SQLiteError)
    case row(StoreError)
  }

  /// The next key; nil past the last one.
  mutating func next() throws(Failure) -> StoredKey? {
    guard try stepped({ () throws(SQLiteError) in try keys.step() }) else {
      guard digestOwner == nil else { throw .row(.strayDigests) }
      return nil
    }
    let (key, ordinal) = try read { () throws(StoreError) in try KeyRow.read(keys, limit: limit) }
    if let digestOwner, digestOwner < ordinal { throw .row(.strayDigests) }
    guard digestOwner == ordinal else {
      throw .row(.damagedRow(ordinal, of: "key", "has no proper digest"))
    }
    let digest = try read { () throws(StoreError) in try KeyRow.readDigest(digests) }
    try stepped { () throws(SQLiteError) in try advanceDigests() }
    var former: [FormerDigest] = []
    while digestOwner == ordinal {
      former.append(try read { () throws(StoreError) in try KeyRow.readFormer(digests) })
      try stepped { () throws(SQLiteError) in try advanceDigests() }
    }
    return StoredKey(key: key, digest: digest, former: former, ordinal: ordinal)
  }

  private mutating func advanceDigests() throws(SQLiteError) {
    digestOwner = try digests.step() ? digests.integer(0) ?? 0 : nil
  }

  @discardableResult
  private func stepped<Result>(_ body: () throws(SQLiteError) -> Result) throws(Failure) -> Result {
    do throws(SQLiteError) { return try body() } catch { throw .database(error) }
  }

  private func read<Result>(_ body: () throws(StoreError) -> Result) throws(Failure) -> Result {
    do throws(StoreError) { return try body() } catch { throw .row(error) }
  }
}
