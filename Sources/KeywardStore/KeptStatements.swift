/// The statements of the store's daily work, compiled once.
struct KeptStatements {
  /// `revision, latest_instant`.
  let mark: Statement
  /// ?1 revision, ?2 instant, which is not before the latest one.
  let advance: Statement
  /// ?1 whether the store came to its end in order.
  let setClosed: Statement

  /// ?1 id: `ordinal, revision` of the key that has it.
  let found: Statement
  /// ?1 digest: a row where a key has it or had it.
  let hasDigest: Statement
  /// ?1 name, ?2 ordinal: a row where another key that is not deleted has the name.
  let nameTaken: Statement

  /// ``KeyRow/insertion``; the new ordinal is ``Database/lastOrdinal``.
  let insertKey: Statement
  /// ``KeyRow/replacement``.
  let replaceKey: Statement
  /// ?1 ordinal. Its digests go with it.
  let deleteKey: Statement
  /// ``KeyRow/note``.
  let noteKey: Statement
  /// ``KeyRow/use``.
  let useKey: Statement
  /// ``ReservationRow/insertion``.
  let reserve: Statement
  /// ?1 ordinal: the key has no total any more.
  let dropReservation: Statement
  /// ?1 digest, ?2 ordinal of the key whose own it is.
  let insertDigest: Statement
  /// ?1 ordinal, ?2 instant: every digest of the key ends then, or earlier where it was to.
  let endDigests: Statement
  /// ?1 ordinal, ?2 instant: the key's digests that have ended by then go.
  let dropDigests: Statement

  /// `revision, hash` of the audit's newest row, no row where there is none yet.
  let lastAuditRow: Statement
  /// ``AuditRow/insertion``.
  let insertAudit: Statement
  /// ``AttemptRow/insertion``.
  let insertAttempt: Statement

  /// ``KeyRow/selection``.
  let keys: Statement
  /// ``KeyRow/digestSelection``.
  let digests: Statement
  /// ``AttemptRow/selection``.
  let attempts: Statement
  /// ``ReservationRow/selection``.
  let reservations: Statement

  /// - Throws: where the tables are not those of our schema, too.
  init(_ database: Database) throws(SQLiteError) {
    mark = try Statement("SELECT revision, latest_instant FROM store", on: database)
    // Without its condition SQLite would list the rows first, in a table that it makes for each transaction.
    advance = try Statement("UPDATE store SET revision = ?1, latest_instant = ?2 WHERE one = 1", on: database)
    setClosed = try Statement("UPDATE store SET is_closed = ?1 WHERE one = 1 AND is_closed <> ?1", on: database)
    found = try Statement("SELECT ordinal, revision FROM key WHERE id = ?1", on: database)
    hasDigest = try Statement("SELECT 1 FROM digest WHERE digest = ?1", on: database)
    nameTaken = try Statement(
      "SELECT 1 FROM key WHERE name = ?1 AND delete_time IS NULL AND ordinal <> ?2", on: database)
    insertKey = try Statement(KeyRow.insertion, on: database)
    replaceKey = try Statement(KeyRow.replacement, on: database)
    deleteKey = try Statement("DELETE FROM key WHERE ordinal = ?1", on: database)
    noteKey = try Statement(KeyRow.note, on: database)
    useKey = try Statement(KeyRow.use, on: database)
    reserve = try Statement(ReservationRow.insertion, on: database)
    dropReservation = try Statement("DELETE FROM reservation WHERE key = ?1", on: database)
    insertDigest = try Statement("INSERT INTO digest (digest, key) VALUES (?1, ?2)", on: database)
    endDigests = try Statement("UPDATE digest SET until = min(ifnull(until, ?2), ?2) WHERE key = ?1", on: database)
    dropDigests = try Statement("DELETE FROM digest WHERE key = ?1 AND until <= ?2", on: database)
    lastAuditRow = try Statement("SELECT revision, hash FROM audit ORDER BY revision DESC LIMIT 1", on: database)
    insertAudit = try Statement(AuditRow.insertion, on: database)
    insertAttempt = try Statement(AttemptRow.insertion, on: database)
    keys = try Statement(KeyRow.selection, on: database)
    digests = try Statement(KeyRow.digestSelection, on: database)
    attempts = try Statement(AttemptRow.selection, on: database)
    reservations = try Statement(ReservationRow.selection, on: database)
  }
}
