package import KeywardCore
import Synchronization

/// A store in memory that keeps the contract of `Store`, and fails when it is told to.
///
/// Concurrency: any thread; a lock guards all of it.
package final class FakeStore: Store {
  fileprivate struct Content {
    var keys: [StoredKey] = []
    var mark = StoreMark(revision: 0, latestInstant: .epoch)
    var lastOrdinal: Int64 = 0
    var audit: [AuditEvent] = []
    var attempts: [Attempt] = []
    var reservations: [UseReservation] = []
    var reserveCount = 0
    var failures: [StoreError] = []
    var useFailures: [StoreError] = []
    var auditFailures: [StoreError] = []
    var commitCount = 0
    var untidiedCount = 0
  }

  private let content: Mutex<Content>

  /// - Parameter keys: what the store holds already, in the order of their ordinals.
  package init(
    _ keys: [StoredKey] = [], attempts: [Attempt] = [], mark: StoreMark = StoreMark(revision: 0, latestInstant: .epoch)
  ) {
    content = Mutex(Content(keys: keys, mark: mark, lastOrdinal: keys.last?.ordinal ?? 0, attempts: attempts))
  }

  /// The next commit makes none of its changes and throws the error; told so twice, the next two do.
  package func failNextCommit(with error: StoreError) {
    content.withLock { $0.failures.append(error) }
  }

  /// The next uses are not recorded.
  package func failNextUse(with error: StoreError) {
    content.withLock { $0.useFailures.append(error) }
  }

  /// The next walk along the audit's events does not begin.
  package func failNextAudit(with error: StoreError) {
    content.withLock { $0.auditFailures.append(error) }
  }

  /// As if somebody had taken a row out of the audit.
  package func loseAudit(of revision: Revision) {
    content.withLock { $0.audit.removeAll { $0.revision == revision } }
  }

  package var keys: [StoredKey] { content.withLock { $0.keys } }

  package var mark: StoreMark { content.withLock { $0.mark } }

  /// Every audit event, the first first.
  package var audit: [AuditEvent] { content.withLock { $0.audit } }

  /// How often the store was asked to commit.
  package var commitCount: Int { content.withLock { $0.commitCount } }

  /// How often the store was asked to write anything since it was last tidied.
  package var untidiedCount: Int { content.withLock { $0.untidiedCount } }

  package func tidy() { content.withLock { $0.untidiedCount = 0 } }

  package var reservations: [UseReservation] { content.withLock { $0.reservations } }

  /// How often the store was asked to reserve.
  package var reserveCount: Int { content.withLock { $0.reserveCount } }

  package func loadReservations(_ receive: (UseReservation) throws(StoreError) -> Void) throws(StoreError) {
    for reservation in reservations { try receive(reservation) }
  }

  package func reserve(_ reservations: [UseReservation]) throws(StoreError) {
    try content.withLock { (content) throws(StoreError) in
      content.reserveCount += 1
      content.untidiedCount += 1
      guard content.failures.isEmpty else { throw content.failures.removeFirst() }
      for reservation in reservations where content.keys.contains(where: { $0.key.id == reservation.key }) {
        content.reservations.removeAll { $0.key == reservation.key }
        content.reservations.append(reservation)
      }
    }
  }

  package func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    let (keys, mark) = content.withLock { ($0.keys, $0.mark) }
    for key in keys { try receive(key) }
    return mark
  }

  package func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError) {
    for attempt in content.withLock({ $0.attempts }) { try receive(attempt) }
  }

  package func recordUse(_ uses: [KeyUse]) throws(StoreError) {
    try content.withLock { (content) throws(StoreError) in
      content.untidiedCount += 1
      guard content.useFailures.isEmpty else { throw content.useFailures.removeFirst() }
      for use in uses {
        guard let index = content.keys.firstIndex(where: { $0.ordinal == use.ordinal }) else { continue }
        let old = content.keys[index]
        var key = old.key
        key.lastUsedTime = max(key.lastUsedTime ?? .epoch, use.time)
        content.keys[index] = StoredKey(key: key, digest: old.digest, former: old.former, ordinal: old.ordinal)
      }
    }
  }

  @discardableResult
  package func forget(before instant: Instant, limit: Int) throws(StoreError) -> Int {
    content.withLock { content in
      content.untidiedCount += 1
      let count = content.attempts.count
      content.attempts.removeAll { $0.time <= instant.adding(seconds: -RequestID.lifetimeSeconds) }
      var gone = count - content.attempts.count
      content.keys = content.keys.map { old in
        let former = old.former.filter { $0.until > instant }
        gone += old.former.count - former.count
        return StoredKey(key: old.key, digest: old.digest, former: former, ordinal: old.ordinal)
      }
      return gone
    }
  }

  package func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int) {
    let found = audit.reversed().filter { query.finds($0) }
    let page = found.filter { event in revision.map { event.revision < $0 } ?? true }
    return (Array(page.prefix(max(0, limit))), found.count)
  }

  package func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent] {
    let failure = content.withLock { content in
      content.auditFailures.isEmpty ? nil : content.auditFailures.removeFirst()
    }
    if let failure { throw failure }
    return Array(audit.filter { $0.revision > revision }.prefix(max(0, limit)))
  }

  package func auditStart() throws(StoreError) -> Revision? { audit.first.map { $0.revision - 1 } }

  package func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    try content.withLock { (content) throws(StoreError) in
      content.commitCount += 1
      content.untidiedCount += 1
      guard content.failures.isEmpty else { throw content.failures.removeFirst() }
      content.mark = StoreMark(
        revision: content.mark.revision, latestInstant: max(content.mark.latestInstant, instant))
      return changes.map { content.make($0) }
    }
  }

  package func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges> {
    try content.withLock { (content) throws(StoreError) in
      content.commitCount += 1
      content.untidiedCount += 1
      guard content.failures.isEmpty else { throw content.failures.removeFirst() }
      let before = content
      content.mark = StoreMark(
        revision: content.mark.revision, latestInstant: max(content.mark.latestInstant, instant))
      var placements: [Placement] = []
      for change in changes {
        switch content.make(change) {
        case .success(let placement): placements.append(placement)
        case .failure(let conflict):
          content = before
          return .failure(ConflictAmongChanges(index: placements.count, conflict: conflict))
        }
      }
      return .success(placements)
    }
  }
}

extension FakeStore.Content {
  fileprivate mutating func make(_ change: Change) -> Result<Placement, Conflict> {
    let revision = mark.revision + 1
    let result: Result<Int64, Conflict>
    switch change.effect {
    case .insert(let key, let digest): result = insert(key, digest, revision: revision)
    case .replace(let key): result = replace(change.before, with: key, revision: revision)
    case .rotate(let key, let digest, let until):
      result = hasDigest(digest) ? .failure(.duplicate) : replace(change.before, with: key, revision: revision)
      if case .success = result { rotate(key.id, to: digest, oldUntil: until) }
    case .note(let key): result = note(change.before, as: key)
    case .purge: result = purge(change.before)
    }
    return result.map { ordinal in
      mark = StoreMark(revision: revision, latestInstant: mark.latestInstant)
      record(change)
      return Placement(ordinal: ordinal, revision: revision)
    }
  }

  private mutating func insert(_ key: Key, _ digest: Digest, revision: Revision) -> Result<Int64, Conflict> {
    guard !keys.contains(where: { $0.key.id == key.id }), !hasDigest(digest) else { return .failure(.duplicate) }
    guard isNameFree(for: key) else { return .failure(.nameTaken) }
    lastOrdinal += 1
    keys.append(StoredKey(key: key.with(revision: revision), digest: digest, ordinal: lastOrdinal))
    return .success(lastOrdinal)
  }

  private mutating func replace(_ before: Key?, with key: Key, revision: Revision) -> Result<Int64, Conflict> {
    guard let index = index(of: before), key.id == before?.id else { return .failure(.changed) }
    guard isNameFree(for: key) else { return .failure(.nameTaken) }
    let old = keys[index]
    if old.key.useLimit != nil, key.useLimit == nil { reservations.removeAll { $0.key == key.id } }
    keys[index] = StoredKey(
      key: key.with(revision: revision), digest: old.digest, former: old.former, ordinal: old.ordinal)
    return .success(old.ordinal)
  }

  private mutating func rotate(_ id: KeyID, to digest: Digest, oldUntil: Instant) {
    guard let index = keys.firstIndex(where: { $0.key.id == id }) else { return }
    let old = keys[index]
    let present = old.former.filter { $0.until > mark.latestInstant }
    let former = (present + [FormerDigest(digest: old.digest, until: .latest)]).map {
      FormerDigest(digest: $0.digest, until: min($0.until, max(oldUntil, .epoch)))
    }
    keys[index] = StoredKey(key: old.key, digest: digest, former: former, ordinal: old.ordinal)
  }

  private mutating func note(_ before: Key?, as key: Key) -> Result<Int64, Conflict> {
    guard let index = index(of: before), key.id == before?.id else { return .failure(.changed) }
    let old = keys[index]
    var noted = old.key
    noted.noted = key.noted
    keys[index] = StoredKey(key: noted, digest: old.digest, former: old.former, ordinal: old.ordinal)
    return .success(old.ordinal)
  }

  private mutating func purge(_ before: Key?) -> Result<Int64, Conflict> {
    guard let index = index(of: before) else { return .failure(.changed) }
    reservations.removeAll { $0.key == before?.id }
    return .success(keys.remove(at: index).ordinal)
  }

  private mutating func record(_ change: Change) {
    guard let id = change.after?.id ?? change.before?.id else { return }
    let before: Key? = if case .insert = change.effect { nil } else { change.before }
    audit.append(
      AuditEvent(
        revision: mark.revision, type: change.type, time: mark.latestInstant, keyID: id, actor: change.actor,
        before: before, after: after(of: change), graceEnd: change.graceEnd))
    if let attempt = change.attempt {
      attempts.removeAll { $0.id.uid == attempt.uid && $0.id.requestID == attempt.requestID }
      attempts.append(Attempt(id: attempt, key: id, time: mark.latestInstant))
    }
  }

  private func after(of change: Change) -> Key? {
    if case .note(let key) = change.effect { return key }
    return change.after?.with(revision: mark.revision)
  }

  private func index(of before: Key?) -> Int? {
    keys.firstIndex { $0.key.id == before?.id && $0.key.revision == before?.revision }
  }

  private func hasDigest(_ digest: Digest) -> Bool {
    keys.contains { $0.digest == digest || $0.former.contains { $0.digest == digest } }
  }

  private func isNameFree(for key: Key) -> Bool {
    key.deleteTime != nil
      || !keys.contains { $0.key.id != key.id && $0.key.deleteTime == nil && $0.key.name == key.name }
  }
}

extension AuditQuery {
  fileprivate func finds(_ event: AuditEvent) -> Bool {
    (keyID == nil || keyID == event.keyID) && (user == nil || user == event.actor.user)
      && (types.isEmpty || types.contains(event.type)) && start.map { $0 <= event.time } ?? true
      && end.map { event.time < $0 } ?? true
  }
}
