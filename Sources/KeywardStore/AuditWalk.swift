package import KeywardCore

extension SQLiteStore {
  package func auditHash() throws(StoreError) -> Digest? {
    try use { (connection) throws(StoreError) in
      try attempt { () throws(SQLiteError) in try connection.statements.lastAuditHash.first { $0.digest(0) } ?? nil }
    }
  }

  /// Digests are not compared, for the audit never holds them; nor are keys whose last change was made before there
  /// was an audit.
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
      var walk = self.walk ?? AuditWalk(after: unaudited)
      // Out of the property meanwhile: two holders would have all that the walk knows copied at its first step.
      self.walk = nil
      defer { self.walk = walk }
      walk.limit = mark.revision
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
    let rows = try statement(AuditRow.selection + " WHERE revision > ?1 ORDER BY revision LIMIT ?2", connection)
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
    let rows = try statement(KeyRow.ownSelection, connection)
    var count = 0
    try store.forEachRow(of: rows, [.integer(lastKey), .integer(Int64(limit))]) { (row) throws(StoreError) in
      count += 1
      lastKey = max(lastKey, KeyRow.ordinal(row))
      walk.take(try KeyRow.readWithDigest(row, limit: walk.limit).key)
    }
    return count
  }

  private func statement(_ sql: String, _ connection: StoreConnection) throws(StoreError) -> Statement {
    try store.attempt { () throws(SQLiteError) in try Statement(sql, on: connection.database) }
  }
}

/// A walk along the audit's rows, then over all keys.
private struct AuditWalk {
  private var findings = AuditVerification()
  /// The last revision that has no row.
  private let unaudited: Revision
  /// The store's revision.
  var limit: Revision = 0
  private var revision: Revision
  private var hash: Digest?
  /// What the rows so far leave of each key they name.
  private var records: [KeyID: Digest] = [:]
  private var altered: Set<KeyID> = []
  /// Keys that were compared.
  private var met: Set<KeyID> = []

  init(after unaudited: Revision) {
    self.unaudited = unaudited
    revision = unaudited
  }

  mutating func take(_ statement: Statement) {
    findings.rowCount += 1
    let number = statement.integer(0) ?? 0
    if number > revision + 1 { findings.missing.append(revision + 1...number - 1) }
    if number <= unaudited || number > limit { breaks(at: number) }
    revision = max(revision, number)
    do throws(StoreError) {
      let (row, hash) = try AuditRow.read(statement)
      if row.hash(after: self.hash) != hash { breaks(at: number) }
      self.hash = hash
      follow(try AuditRow.event(statement))
    } catch {
      breaks(at: number)
    }
  }

  /// Takes a key as it is now, once all rows there are were taken.
  mutating func take(_ key: Key) {
    if !isExpected(key, records[key.id]) { altered.insert(key.id) }
    met.insert(key.id)
  }

  /// What was found, once all rows and keys there are were taken.
  func finished() -> AuditVerification {
    var findings = findings
    if revision < limit { findings.missing.append(revision + 1...limit) }
    // A record that met no key is of one that went without a trace.
    let lost = records.keys.filter { !met.contains($0) }
    findings.alteredKeys = altered.union(lost).sorted { $0.description < $1.description }
    findings.head = AuditHead(revision: limit, hash: hash)
    return findings
  }

  private mutating func breaks(at number: Revision) {
    if findings.firstBroken == nil { findings.firstBroken = number }
  }

  private mutating func follow(_ event: AuditEvent) {
    let known = records[event.keyID]
    if let before = event.before {
      if !isExpected(before, known) { altered.insert(event.keyID) }
    } else if known != nil {
      altered.insert(event.keyID)
    }
    records[event.keyID] = event.after.map { Self.record(of: $0) }
  }

  /// Whether a key is as the audit left it, or older than the audit.
  private func isExpected(_ key: Key, _ known: Digest?) -> Bool {
    known.map { $0 == Self.record(of: key) } ?? (key.revision <= unaudited)
  }

  /// Last use is written without a row.
  private static func record(of key: Key) -> Digest {
    var key = key
    key.lastUsedTime = nil
    var text = KeyText.text(of: key)
    return text.withUTF8 { Digest(sha256: UnsafeRawBufferPointer($0)) }
  }
}
