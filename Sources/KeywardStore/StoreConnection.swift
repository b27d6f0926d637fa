import KeywardCore

/// An open database with its statements: what a store's transaction does.
struct StoreConnection {
  let database: Database
  let statements: KeptStatements
  private let end = End()

  /// How far the last transaction came, so that the next one need not ask.
  private final class End {
    var mark: StoreMark?
    var head: AuditHead?
  }

  /// The store's revision and latest instant.
  func mark() throws(SQLiteError) -> StoreMark {
    let mark = try statements.mark.first { row -> StoreMark? in
      guard let revision = row.integer(0), let latest = row.integer(1) else { return nil }
      return StoreMark(revision: revision, latestInstant: Instant(microseconds: latest))
    }
    guard let mark = mark ?? nil, (0...Schema.maxRevision).contains(mark.revision), mark.latestInstant.isRepresentable
    else { throw .damaged }
    return mark
  }

  /// Has the next transaction ask anew, for one that may have changed something failed.
  func forgetEnd() {
    end.mark = nil
    end.head = nil
  }

  /// The audit's newest row, as the last transaction left it; nil where there is none.
  func lastAuditHead() throws(SQLiteError) -> AuditHead? {
    if let head = end.head { return head }
    end.head = try auditHead()
    return end.head
  }

  /// The audit's newest row; nil where there is none.
  private func auditHead() throws(SQLiteError) -> AuditHead? {
    try statements.lastAuditRow.first { AuditHead(revision: $0.integer(0) ?? 0, hash: $0.digest(1)) }
  }

  /// How far the changes of one transaction have come.
  private struct Progress {
    let now: Instant
    var revision: Revision
    /// The end of the audit's chain.
    var audited: AuditHead?
  }

  /// Makes the changes one after the other, within the transaction that is open.
  func make(_ changes: [Change], at instant: Instant) throws(SQLiteError) -> [Result<Placement, Conflict>] {
    var progress = try begin(at: instant)
    var results: [Result<Placement, Conflict>] = []
    results.reserveCapacity(changes.count)
    for change in changes { results.append(try make(change, &progress)) }
    try end(progress)
    return results
  }

  /// As ``make(_:at:)``, up to the first conflict; what was made before that is to be rolled back.
  func makeTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(SQLiteError) -> Result<[Placement], ConflictAmongChanges> {
    var progress = try begin(at: instant)
    var placements: [Placement] = []
    placements.reserveCapacity(changes.underestimatedCount)
    for change in changes {
      switch try make(change, &progress) {
      case .success(let placement): placements.append(placement)
      case .failure(let conflict):
        return .failure(ConflictAmongChanges(index: placements.count, conflict: conflict))
      }
    }
    try end(progress)
    return .success(placements)
  }

  private func begin(at instant: Instant) throws(SQLiteError) -> Progress {
    let mark = if let known = end.mark { known } else { try mark() }
    return Progress(
      now: max(mark.latestInstant, instant), revision: mark.revision, audited: try lastAuditHead())
  }

  private func make(_ change: Change, _ progress: inout Progress) throws(SQLiteError) -> Result<Placement, Conflict> {
    let result = try make(change, revision: progress.revision + 1, at: progress.now)
    if case .success(let made) = result {
      progress.revision += 1
      let hash = try record(
        change, of: made.key, revision: progress.revision, at: progress.now, after: progress.audited?.hash)
      progress.audited = AuditHead(revision: progress.revision, hash: hash)
    }
    return result.map(\.placement)
  }

  private func end(_ progress: Progress) throws(SQLiteError) {
    try statements.advance.run([.integer(progress.revision), SQLValue(progress.now)])
    end.mark = StoreMark(revision: progress.revision, latestInstant: progress.now)
    end.head = progress.audited
  }

  /// Writes what the audit says of a change, and the attempt it was.
  /// - Returns: the new end of the audit's chain.
  private func record(
    _ change: Change, of key: KeyID, revision: Revision, at now: Instant, after previous: Digest?
  ) throws(SQLiteError) -> Digest {
    let row = AuditRow(change, keyID: key, revision: revision, at: now)
    let hash = row.hash(after: previous)
    try statements.insertAudit.run { row.add(hash: hash, to: &$0) }
    if let id = change.attempt {
      try statements.insertAttempt.run(AttemptRow.values(of: Attempt(id: id, key: key, time: now)))
    }
    return hash
  }
}

// Conflicts are looked for before anything is written, or told by the first row that would be, so that nothing half made has
// to be taken back. No other writer can come between.
extension StoreConnection {
  private typealias Made = Result<(key: KeyID, placement: Placement), Conflict>

  private func make(_ change: Change, revision: Revision, at now: Instant) throws(SQLiteError) -> Made {
    switch change.effect {
    case .insert(let key, let digest):
      return try insert(key, digest, revision: revision)
    case .replace(let key):
      return try replace(change.before, with: key, revision: revision)
    case .rotate(let key, let digest, _):
      guard try !statements.hasDigest.hasRow([.digest(digest)]) else { return .failure(.duplicate) }
      let made = try replace(change.before, with: key, revision: revision)
      if case .success(let (_, placement)) = made {
        try rotate(placement.ordinal, to: digest, oldUntil: change.graceEnd ?? now, at: now)
      }
      return made
    case .note(let key):
      return try note(change.before, as: key, revision: revision)
    case .purge:
      return try purge(change.before, revision: revision)
    }
  }

  private func insert(_ key: Key, _ digest: Digest, revision: Revision) throws(SQLiteError) -> Made {
    guard try !statements.hasDigest.hasRow([.digest(digest)]) else { return .failure(.duplicate) }
    do throws(SQLiteError) {
      try statements.insertKey.run { KeyRow.add(key, revision: revision, to: &$0) }
    } catch {
      guard error.kind == .taken else { throw error }
      let isKnown = try statements.found.hasRow([.text(key.id.description)])
      return .failure(isKnown ? .duplicate : .nameTaken)
    }
    let ordinal = database.lastOrdinal
    try statements.insertDigest.run([.digest(digest), .integer(ordinal)])
    return .success((key.id, Placement(ordinal: ordinal, revision: revision)))
  }

  private func replace(_ before: Key?, with key: Key, revision: Revision) throws(SQLiteError) -> Made {
    guard let ordinal = try ordinal(of: before), key.id == before?.id else { return .failure(.changed) }
    guard try isNameFree(for: key, ordinal: ordinal) else { return .failure(.nameTaken) }
    try statements.replaceKey.run { KeyRow.add(key, revision: revision, to: &$0) }
    if before?.useLimit != nil, key.useLimit == nil { try statements.dropReservation.run([.integer(ordinal)]) }
    return .success((key.id, Placement(ordinal: ordinal, revision: revision)))
  }

  /// No secret outlives one that took its place.
  private func rotate(
    _ ordinal: Int64, to digest: Digest, oldUntil until: Instant, at now: Instant
  ) throws(SQLiteError) {
    try statements.dropDigests.run([.integer(ordinal), SQLValue(now)])
    try statements.endDigests.run([.integer(ordinal), SQLValue(until)])
    try statements.insertDigest.run([.digest(digest), .integer(ordinal)])
  }

  private func note(_ before: Key?, as key: Key, revision: Revision) throws(SQLiteError) -> Made {
    guard let ordinal = try ordinal(of: before), key.id == before?.id else { return .failure(.changed) }
    try statements.noteKey.run([
      .text(key.id.description), SQLValue(key.noted.expired), SQLValue(key.noted.revoked), SQLValue(key.noted.soon),
    ])
    return .success((key.id, Placement(ordinal: ordinal, revision: revision)))
  }

  private func purge(_ before: Key?, revision: Revision) throws(SQLiteError) -> Made {
    guard let before, let ordinal = try ordinal(of: before) else { return .failure(.changed) }
    try statements.deleteKey.run([.integer(ordinal)])
    return .success((before.id, Placement(ordinal: ordinal, revision: revision)))
  }

  /// Where a key is, if it is still the one that a change was made for.
  private func ordinal(of before: Key?) throws(SQLiteError) -> Int64? {
    guard let before else { return nil }
    let found = try statements.found.first([.text(before.id.description)]) { ($0.integer(0), $0.integer(1)) }
    guard let (ordinal, revision) = found, revision == before.revision else { return nil }
    return ordinal
  }

  /// Whether a key may have its name: no other that is not deleted has it, or it is deleted itself.
  private func isNameFree(for key: Key, ordinal: Int64) throws(SQLiteError) -> Bool {
    guard key.deleteTime == nil else { return true }
    return try !statements.nameTaken.hasRow([.text(key.name.text), .integer(ordinal)])
  }
}

extension Statement {
  fileprivate func hasRow(_ parameters: [SQLValue]) throws(SQLiteError) -> Bool {
    try first(parameters) { _ in true } ?? false
  }
}
