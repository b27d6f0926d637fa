import Synchronization

/// One change of many keys: of all of them, or of none.
public struct GroupChange: Sendable, Equatable {
  public enum Action: Sendable, Equatable {
    /// Without a name, which no two keys can share.
    case update(KeyUpdate)
    case revoke(Revocation)
    case delete
  }

  public let action: Action
  public let keys: [KeyVersion]

  /// How many keys a group may have, so that nobody waits long for it.
  public static let maxCount = 10_000

  /// - Parameter keys: 1 to 10,000, each once.
  /// - Throws: ``DomainError/invalid(field:_:)`` for keys or an update that no group may have.
  public init(_ action: Action, of keys: [KeyVersion]) throws(DomainError) {
    guard (1...Self.maxCount).contains(keys.count) else {
      throw .invalid(field: "keys", "has \(keys.count) entries: give 1 to \(Self.maxCount)")
    }
    var seen: Set<KeyID> = []
    for key in keys where !seen.insert(key.id).inserted {
      throw .invalid(field: "keys", "holds \(key.id) more than once: give each key once")
    }
    if case .update(let update) = action, update.name != nil {
      throw .invalid(field: "update_mask", "holds \"name\", and no two keys may have one name: rename them one by one")
    }
    self.action = action
    self.keys = keys
  }

  /// What it asks for of each key.
  var requests: [ChangeRequest] {
    keys.map { key in
      switch action {
      case .update(let update): ChangeRequest(.update(key.id, update), etag: key.etag)
      case .revoke(let revocation): ChangeRequest(.revoke(key.id, revocation), etag: key.etag)
      case .delete: ChangeRequest(.delete(key.id), etag: key.etag)
      }
    }
  }
}

/// A key as somebody has seen it.
public struct KeyVersion: Sendable, Equatable {
  public let id: KeyID
  /// The etag that the key must have; nil for whatever it has.
  public let etag: Revision?

  public init(id: KeyID, etag: Revision?) {
    self.id = id
    self.etag = etag
  }
}

/// What a group came to.
public struct GroupOutcome: Sendable {
  /// Of each key that was changed; those that were so already are left out.
  public let changed: [Outcome]
  /// The store's revision with the last of the changes.
  public let revision: Revision
}

extension Registry {
  /// Makes the changes of a group in one commit of the store: all of them, or none. Blocks on the store, so it has one
  /// caller at a time, together with ``commit(_:at:limit:)``.
  /// - Throws: why the first key that does not allow it does not; the error names the key.
  public func commit(
    _ group: GroupChange, by actor: Actor, at instant: Instant
  ) throws(DomainError) -> GroupOutcome {
    let now = judged(instant)
    var round = Round(at: now)
    var drafts: [Draft] = []
    for request in group.requests {
      switch try draft(Command(request, by: actor), in: &round).get() {
      case .change(let draft): drafts.append(draft)
      case .nothing: break
      case .later: throw .internal("two changes of one group met")
      }
    }
    guard !drafts.isEmpty else { return GroupOutcome(changed: [], revision: revision) }
    let placements: [Placement]
    switch try placeTogether(drafts.lazy.map(\.change), at: now) {
    case .success(let made): placements = made
    case .failure(let refusal): throw drafts[refusal.index].refusal(refusal.conflict)
    }
    let changed = zip(drafts, placements).map { publish($0, at: $1, now) }
    return GroupOutcome(changed: changed, revision: changed.last?.revision ?? revision)
  }

  /// Makes the changes in one transaction of their own, or none of them.
  func placeTogether(
    _ changes: some Sequence<Change>, at now: Instant
  ) throws(DomainError) -> Result<[Placement], ConflictAmongChanges> {
    let result: Result<[Placement], ConflictAmongChanges>
    do throws(StoreError) {
      result = try store.commitTogether(changes, at: now)
    } catch {
      throw DomainError(error)
    }
    if case .success = result {
      latest.store(now.microseconds, ordering: .relaxed)
      noteHead()
    }
    return result
  }
}
