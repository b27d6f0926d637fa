/// Where keys are kept.
///
/// The store is the arbiter between changes: it refuses one whose name is taken or whose key is no longer what it was
/// taken for, gives each the next revision, and may hold keys that another process wrote.
///
/// Concurrency: one caller at a time; each call blocks until it is done.
public protocol Store: Sendable {
  /// Hands over every key, in the order of their ordinals.
  func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark

  /// Hands over every attempt that is remembered, in no order.
  func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError)

  /// Records when keys were last used; keys that are gone are passed over. Makes no revision and no audit event.
  func recordUse(_ uses: [KeyUse]) throws(StoreError)

  /// Hands over the last reservation of each key that has one, in no order.
  func loadReservations(_ receive: (UseReservation) throws(StoreError) -> Void) throws(StoreError)

  /// Keeps reservations in the place of their keys' last ones, durable once this returns; keys that are gone are passed
  /// over. Makes no revision and no audit event. A reservation ends with its key, and with the key's total.
  func reserve(_ reservations: [UseReservation]) throws(StoreError)

  /// Drops what no longer matters at an instant: digests that have ended, and attempts that are no longer remembered.
  /// - Parameters:
  ///   - instant: one that was recorded, with ``commit(_:at:)``, so that no earlier one can make them matter again.
  ///   - limit: how many of either at most, so that changes need not wait long.
  /// - Returns: how many went; fewer than the limit once there are no more.
  @discardableResult
  func forget(before instant: Instant, limit: Int) throws(StoreError) -> Int

  /// The audit's events that a query finds, the latest first.
  /// - Parameters:
  ///   - revision: only events before this one; nil from the latest on.
  ///   - limit: how many at most.
  /// - Returns: the events, and how many the query finds in all, whatever the other parameters.
  func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int)

  /// The audit's events after a revision, the earliest first.
  /// - Parameter limit: how many at most.
  func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent]

  /// The revision before the audit's first event; nil where there is none.
  func auditStart() throws(StoreError) -> Revision?

  /// The audit's newest row; nil where there is none.
  func auditHead() throws(StoreError) -> AuditHead?

  /// Begins a walk along the audit; nil where the store keeps none to walk along.
  func auditVerifier() -> (any AuditVerifier)?

  /// Makes the changes in their order, all in one transaction with what the audit says of them, and returns once they
  /// are durable.
  /// - Parameter instant: the instant of the changes; the store keeps the latest it has been given.
  /// - Returns: for each change in turn where it went, or the conflict for which it alone was left out.
  /// - Throws: when none of the changes was made, or nobody can tell.
  func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>]

  /// Does what transactions leave to be done now and then, so that whoever waits for one need not wait for that: it may
  /// take some milliseconds, and more after a very large one. What fails is told by the next change. To be called after
  /// every few transactions of any kind.
  func tidy()

  /// As ``commit(_:at:)``, but a conflict of one change leaves all of them out.
  /// - Parameter changes: gone through once, each made when its turn has come: there may be millions.
  func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges>
}

extension Store {
  public func auditHead() throws(StoreError) -> AuditHead? { nil }

  public func auditVerifier() -> (any AuditVerifier)? { nil }
}

/// A key as a store keeps it.
public struct StoredKey: Sendable, Equatable {
  public let key: Key
  /// The digest of its secret.
  public let digest: Digest
  /// Digests of secrets it had before that are still good for a while.
  public let former: [FormerDigest]
  /// Its place in the order of creation.
  public let ordinal: Int64

  public init(key: Key, digest: Digest, former: [FormerDigest] = [], ordinal: Int64) {
    self.key = key
    self.digest = digest
    self.former = former
    self.ordinal = ordinal
  }
}

/// The digest of a secret that another has taken the place of.
public struct FormerDigest: Sendable, Equatable {
  public let digest: Digest
  /// The instant at which it stops being good, unless its key does before.
  public let until: Instant

  public init(digest: Digest, until: Instant) {
    self.digest = digest
    self.until = until
  }
}

/// When a key was last found valid.
public struct KeyUse: Sendable, Equatable {
  public let ordinal: Int64
  public let time: Instant

  public init(ordinal: Int64, time: Instant) {
    self.ordinal = ordinal
    self.time = time
  }
}

/// How far a store has come.
public struct StoreMark: Sendable, Equatable {
  public let revision: Revision
  /// The latest instant it has recorded.
  public let latestInstant: Instant

  public init(revision: Revision, latestInstant: Instant) {
    self.revision = revision
    self.latestInstant = latestInstant
  }
}

/// One change of what is kept, and what the audit says of it.
public struct Change: Sendable {
  public enum Effect: Sendable {
    /// A new key with the digest of its secret.
    case insert(Key, Digest)
    /// The key in the place of the one before, which has the same id, and is ``Change/before``.
    case replace(Key)
    /// As ``replace(_:)``, with the digest of a new secret; the old one is good until then, and older ones no longer
    /// than that. Those that had ended by the instant of the change go.
    case rotate(Key, Digest, oldUntil: Instant)
    /// What the sweeper has recorded of the key (``Key/noted``); the key's own revision stays as it is.
    case note(Key)
    /// The key before is gone.
    case purge
  }

  public let effect: Effect
  public let type: ChangeType
  public let actor: Actor
  /// The key that the change was made for; nil for a new one. The store refuses the change if its revision is no
  /// longer the key's.
  public let before: Key?
  /// The attempt that is remembered with it, if any.
  public let attempt: AttemptID?

  public init(_ effect: Effect, type: ChangeType, by actor: Actor, before: Key?, attempt: AttemptID? = nil) {
    self.effect = effect
    self.type = type
    self.actor = actor
    self.before = before
    self.attempt = attempt
  }

  /// The key after the change; nil for one that is gone. Its revision is given by the store.
  public var after: Key? {
    switch effect {
    case .insert(let key, _), .replace(let key), .rotate(let key, _, _), .note(let key): key
    case .purge: nil
    }
  }

  /// Until when the secrets that a rotation replaces are good, as stores write it; nil for any other change.
  public var graceEnd: Instant? {
    guard case .rotate(_, _, let oldUntil) = effect else { return nil }
    return min(max(oldUntil, .epoch), .latest)
  }
}

/// Whose attempt at what: the same user, request id and content is the same attempt.
public struct AttemptID: Sendable, Hashable {
  public let uid: UInt32
  public let requestID: RequestID
  /// What was asked for, shortened (``ChangeRequest/Action/fingerprint``).
  public let fingerprint: Digest

  public init(uid: UInt32, requestID: RequestID, fingerprint: Digest) {
    self.uid = uid
    self.requestID = requestID
    self.fingerprint = fingerprint
  }
}

/// An attempt that came to something.
public struct Attempt: Sendable, Equatable {
  public let id: AttemptID
  public let key: KeyID
  public let time: Instant

  public init(id: AttemptID, key: KeyID, time: Instant) {
    self.id = id
    self.key = key
    self.time = time
  }
}

/// Where a change went.
public struct Placement: Sendable, Equatable {
  /// Its key's place in the order of creation.
  public let ordinal: Int64
  public let revision: Revision

  public init(ordinal: Int64, revision: Revision) {
    self.ordinal = ordinal
    self.revision = revision
  }
}

/// Why one change among others was left out.
public enum Conflict: Error, Sendable {
  /// A key that is not deleted has the name.
  case nameTaken
  /// The id or the digest is here already.
  case duplicate
  /// Another change of the key came first.
  case changed
}

/// Why changes that belong together were left out: the first of them that could not be made.
public struct ConflictAmongChanges: Error, Equatable, Sendable {
  public let index: Int
  public let conflict: Conflict

  public init(index: Int, conflict: Conflict) {
    self.index = index
    self.conflict = conflict
  }
}

/// Why a store could not do what was asked. The texts never hold the values of a row.
public enum StoreError: Error, Equatable, Sendable {
  /// It cannot be written at present; what was asked may or may not have been done.
  case unavailable(String)
  /// There is no room: nothing was done.
  case exhausted(String)
  /// It is damaged or behaves as it never should.
  case damaged(String)

  public var message: String {
    switch self {
    case .unavailable(let text), .exhausted(let text), .damaged(let text): text
    }
  }
}
