/// The statements of the store's daily work, compiled once.
struct KeptStatements {
  /// `revision, latest_instant`.
  let mark: Statement
  /// ?1 revision, ?2 instant: the latest instant never goes back.
  let advance: Statement
  /// ?1 id, ?2 digest: a row where either is here.
  let duplicate: Statement
  /// ?1 name: a row where a key that is not deleted has it.
  let nameTaken: Statement
  /// ``KeyRow/insertion``; the new ordinal is ``Database/lastOrdinal``.
  let insertKey: Statement
  /// ?1 digest, ?2 ordinal of its key.
  let insertDigest: Statement
  /// ``KeyRow/selection``.
  let keys: Statement
  let digestCount: Statement

  /// - Throws: where the tables are not those of our schema, too.
  init(_ database: Database) throws(SQLiteError) {
    mark = try Statement("SELECT revision, latest_instant FROM store", on: database)
    advance = try Statement("UPDATE store SET revision = ?1, latest_instant = max(latest_instant, ?2)", on: database)
    duplicate = try Statement(
      "SELECT 1 FROM key WHERE id = ?1 UNION ALL SELECT 1 FROM digest WHERE digest = ?2", on: database)
    nameTaken = try Statement("SELECT 1 FROM key WHERE name = ?1 AND delete_time IS NULL", on: database)
    insertKey = try Statement(KeyRow.insertion, on: database)
    insertDigest = try Statement("INSERT INTO digest (digest, key) VALUES (?1, ?2)", on: database)
    keys = try Statement(KeyRow.selection, on: database)
    digestCount = try Statement("SELECT count(*) FROM digest", on: database)
  }
}
