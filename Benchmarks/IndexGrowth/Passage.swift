import KeywardCore
import Synchronization

/// A store that gives each new key its place and keeps nothing, so that nothing but the index takes time.
final class Passage: Store {
  private let revision = Atomic<Int64>(0)

  func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    changes.map { _ in
      let next = revision.add(1, ordering: .relaxed).newValue
      return .success(Placement(ordinal: next, revision: next))
    }
  }

  func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges> {
    throw .unavailable("nothing is made together here")
  }

  func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    StoreMark(revision: 0, latestInstant: .epoch)
  }

  func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError) {}

  func loadReservations(_ receive: (UseReservation) throws(StoreError) -> Void) throws(StoreError) {}

  func recordUse(_ uses: [KeyUse]) throws(StoreError) {}

  func reserve(_ reservations: [UseReservation]) throws(StoreError) {}

  func forget(before instant: Instant, limit: Int) throws(StoreError) -> Int { 0 }

  func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int) { ([], 0) }

  func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent] { [] }

  func auditStart() throws(StoreError) -> Revision? { nil }

  func tidy() {}
}
