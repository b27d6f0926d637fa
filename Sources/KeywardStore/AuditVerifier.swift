package import KeywardCore

extension SQLiteStore {
  package func auditHead() throws(StoreError) -> AuditHead? {
    try use { (connection) throws(StoreError) in
      try attempt { () throws(SQLiteError) in try connection.lastAuditHead() }
    }
  }

  /// Not compared are keys whose last change was made before there was an audit, and secrets that were given before its
  /// rows committed to them; nor what is written without a row: last uses, reserved uses, what the sweeper has noted,
  /// attempts.
  package func auditVerifier() -> (any AuditVerifier)? { SQLiteAuditVerifier(self) }

  /// Walks along the whole audit at once. Changes wait for as long.
  package func verifyAudit() throws(StoreError) -> AuditVerification {
    let verifier = SQLiteAuditVerifier(self)
    while true {
      if let findings = try verifier.step(limit: 10_000) { return findings }
    }
  }
}

/// A walk along the audit of a SQLite database.
///
/// In each piece the audit's rows come before the keys: those that were added since the last piece too. So a key is
/// always compared with all that the audit says of it at that moment, whatever is changed between the pieces.
///
/// `Sendable` because a store has one caller at a time.
final class SQLiteAuditVerifier: AuditVerifier, @unchecked Sendable {
  private let store: SQLiteStore
  private var walk: AuditWalk?
  private var lastRow: Revision = 0
  /// The ordinal of the last key that was compared.
  private var lastKey: Int64 = 0

  init(_ store: SQLiteStore) {
    self.store = store
  }

  func step(limit: Int) throws(StoreError) -> AuditVerification? {
    try store.use { (connection) throws(StoreError) in
      let mark = try store.attempt { () throws(SQLiteError) in try connection.mark() }
      let unaudited = try store.attempt { () throws(SQLiteError) in
        try connection.database.integer("SELECT unaudited FROM store")
      }
      var walk = self.walk ?? AuditWalk(after: unaudited, mark: mark)
      // Out of the property meanwhile: two holders would have all that the walk knows copied at its first step.
      self.walk = nil
      defer { self.walk = walk }
      walk.mark = mark
      var budget = max(1, limit)
      budget -= try takeRows(connection, &walk, limit: budget)
      guard budget > 0 else { return nil }
      budget -= try takeKeys(connection, &walk, limit: budget)
      return budget > 0 ? walk.finished() : nil
    }
  }

  private func takeRows(
    _ connection: StoreConnection, _ walk: inout AuditWalk, limit: Int
  ) throws(StoreError) -> Int {
    let rows = try statement(AuditRow.succession, connection)
    var count = 0
    try store.forEachRow(of: rows, [.integer(lastRow), .integer(Int64(limit))]) { (row) throws(StoreError) in
      count += 1
      lastRow = max(lastRow, row.integer(0) ?? 0)
      walk.take(row)
    }
    return count
  }

  private func takeKeys(
    _ connection: StoreConnection, _ walk: inout AuditWalk, limit: Int
  ) throws(StoreError) -> Int {
    var keys: [StoredKey] = []
    let rows = try statement(KeyRow.ownSelection, connection)
    try store.forEachRow(of: rows, [.integer(lastKey), .integer(Int64(limit))]) { (row) throws(StoreError) in
      // A key that is newer than the store says of itself is a finding, not a row that cannot be read.
      keys.append(try KeyRow.readWithDigest(row, limit: Schema.maxRevision))
    }
    // Behind the last key no digest may be.
    let end = keys.count < limit ? .max : keys.last?.ordinal ?? .max
    var formers = try formers(connection, after: lastKey, upTo: end)
    for key in keys {
      let former = formers.removeValue(forKey: key.ordinal) ?? []
      walk.take(StoredKey(key: key.key, digest: key.digest, former: former, ordinal: key.ordinal))
    }
    guard formers.isEmpty else { throw .strayDigests }
    lastKey = keys.last?.ordinal ?? lastKey
    return keys.count
  }

  /// By the ordinals of their keys.
  private func formers(
    _ connection: StoreConnection, after start: Int64, upTo end: Int64
  ) throws(StoreError) -> [Int64: [FormerDigest]] {
    var formers: [Int64: [FormerDigest]] = [:]
    let rows = try statement(KeyRow.formerSelection, connection)
    try store.forEachRow(of: rows, [.integer(start), .integer(end)]) { (row) throws(StoreError) in
      formers[row.integer(0) ?? 0, default: []].append(try KeyRow.readFormer(row))
    }
    return formers
  }

  private func statement(_ sql: String, _ connection: StoreConnection) throws(StoreError) -> Statement {
    try store.attempt { () throws(SQLiteError) in try Statement(sql, on: connection.database) }
  }
}
