/// Where keys are kept.
///
/// The store is the arbiter between changes: it refuses one whose name is taken, gives each the next revision, and
/// may hold keys that another process wrote.
///
/// Concurrency: one caller at a time; each call blocks until it is done.
public protocol Store: Sendable {
  /// Hands over every key, in the order of their ordinals.
  func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark

  /// Makes the changes in their order, all in one transaction, and returns once they are durable.
  /// - Parameter instant: the instant of the changes; the store keeps the latest it has been given.
  /// - Returns: for each change in turn where it went, or the conflict for which it alone was left out.
  /// - Throws: when none of the changes was made, or nobody can tell.
  func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>]
}

/// A key as a store keeps it.
public struct StoredKey: Sendable {
  public let key: Key
  public let digest: Digest
  /// Its place in the order of creation.
  public let ordinal: Int64

  public init(key: Key, digest: Digest, ordinal: Int64) {
    self.key = key
    self.digest = digest
    self.ordinal = ordinal
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

/// One change of what is kept.
public enum Change: Sendable {
  /// A new key. Its revision is given by the store.
  case insert(Key, Digest)
}

/// Where a change went.
public struct Placement: Sendable, Equatable {
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
