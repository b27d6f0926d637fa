import Synchronization

/// A store of which is known whether it took what it was last given to write.
final class ObservedStore: Store {
  private let store: any Store
  /// What was told last, and to whom.
  private let takes = Atomic(true)
  private let observer = Mutex<Hook?>(nil)

  init(_ store: any Store) {
    self.store = store
  }

  /// Whether it took what it was last given to write.
  var takesChanges: Bool { takes.load(ordering: .relaxed) }

  /// Has something called when that changes, where the store is called.
  func observe(_ body: @escaping @Sendable () -> Void) {
    observer.withLock { $0 = Hook(body) }
  }

  func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    try store.load(receive)
  }

  func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError) {
    try store.loadAttempts(receive)
  }

  func loadReservations(_ receive: (UseReservation) throws(StoreError) -> Void) throws(StoreError) {
    try store.loadReservations(receive)
  }

  func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int) {
    try store.auditEvents(query, before: revision, limit: limit)
  }

  func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent] {
    try store.auditEvents(after: revision, limit: limit)
  }

  func auditStart() throws(StoreError) -> Revision? { try store.auditStart() }

  func auditHead() throws(StoreError) -> AuditHead? { try store.auditHead() }

  func auditVerifier() -> (any AuditVerifier)? { store.auditVerifier() }

  func recordUse(_ uses: [KeyUse]) throws(StoreError) {
    try noting { () throws(StoreError) in try store.recordUse(uses) }
  }

  func reserve(_ reservations: [UseReservation]) throws(StoreError) {
    try noting { () throws(StoreError) in try store.reserve(reservations) }
  }

  func forget(before instant: Instant, limit: Int) throws(StoreError) -> Int {
    try noting { () throws(StoreError) in try store.forget(before: instant, limit: limit) }
  }

  func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    try noting { () throws(StoreError) in try store.commit(changes, at: instant) }
  }

  func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges> {
    try noting { () throws(StoreError) in try store.commitTogether(changes, at: instant) }
  }

  func tidy() { store.tidy() }

  private func noting<Value>(_ write: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    do throws(StoreError) {
      let value = try write()
      note(true)
      return value
    } catch {
      note(false)
      throw error
    }
  }

  private func note(_ took: Bool) {
    guard takes.exchange(took, ordering: .relaxed) != took else { return }
    observer.withLock { $0 }?()
  }
}
