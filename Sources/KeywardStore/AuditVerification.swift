package import KeywardCore

/// What a walk along the audit found.
package struct AuditVerification: Sendable, Equatable {
  /// How many rows there are.
  package fileprivate(set) var rowCount = 0
  /// The first row that is not as it was written, or does not follow the one before it.
  package fileprivate(set) var firstBroken: Revision?
  /// Revisions that should have a row, and have none.
  package fileprivate(set) var missing: [ClosedRange<Revision>] = []
  /// Keys whose record is or was another than the audit left it, last use apart, in the order of their ids.
  package fileprivate(set) var alteredKeys: [KeyID] = []

  /// Whether nothing was found.
  package var isSound: Bool { firstBroken == nil && missing.isEmpty && alteredKeys.isEmpty }
}

extension SQLiteStore {
  /// Walks along the whole audit and compares every key with what it says. Changes wait for as long.
  ///
  /// Digests are not compared, for the audit never holds them; nor are keys whose last change was made before there
  /// was an audit.
  package func verifyAudit() throws(StoreError) -> AuditVerification {
    try use { (connection) throws(StoreError) in
      let (mark, unaudited) = try attempt { () throws(SQLiteError) in
        (try connection.mark(), try connection.database.integer("SELECT unaudited FROM store"))
      }
      let rows = try attempt { () throws(SQLiteError) in
        try Statement(AuditRow.selection + " ORDER BY revision", on: connection.database)
      }
      var walk = AuditWalk(after: unaudited, to: mark.revision)
      try forEachRow(of: rows) { (row) throws(StoreError) in walk.take(row) }
      walk.endRows()
      var keys = KeyAssembly()
      try forEachRow(of: connection.statements.keys) { (row) throws(StoreError) in
        if let complete = try keys.take(row, limit: mark.revision) { walk.take(complete.key) }
      }
      if let last = keys.last { walk.take(last.key) }
      return walk.finished()
    }
  }
}

/// A walk along the audit's rows, then over all keys.
private struct AuditWalk {
  private var findings = AuditVerification()
  /// The last revision that has no row.
  private let unaudited: Revision
  /// The store's revision.
  private let limit: Revision
  private var revision: Revision
  private var hash: Digest?
  /// What the rows so far leave of each key they name.
  private var records: [KeyID: Digest] = [:]
  private var altered: Set<KeyID> = []

  init(after unaudited: Revision, to limit: Revision) {
    self.unaudited = unaudited
    self.limit = limit
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

  mutating func endRows() {
    if revision < limit { findings.missing.append(revision + 1...limit) }
  }

  /// Takes a key as it is now.
  mutating func take(_ key: Key) {
    // Taken out first: within the call below, all records would be copied for it.
    let known = records.removeValue(forKey: key.id)
    if !isExpected(key, known) { altered.insert(key.id) }
  }

  func finished() -> AuditVerification {
    var findings = findings
    // A record that met no key is of one that went without a trace.
    findings.alteredKeys = altered.union(records.keys).sorted { $0.description < $1.description }
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
