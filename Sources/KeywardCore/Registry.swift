import Synchronization

/// The rules over all keys: what may change, what a secret is good for.
///
/// Every instant is passed in, one for each call; an instant earlier than the latest one the store has recorded
/// counts as that latest one, so that no clock that has gone back brings a key to life.
///
/// Concurrency: questions may come from any thread. ``commit(_:at:)`` has one caller at a time, for it blocks on the
/// store. The lock round the index is held for one look-up, one page or one insertion, never during I/O.
///
/// Invariants: the index changes after the store's commit and before ``commit(_:at:)`` returns, so no question asked
/// after a change was acknowledged is answered from before it.
public final class Registry: Sendable {
  private let store: any Store
  private let index: Mutex<Index>
  /// The latest instant recorded, in microseconds.
  private let latest: Atomic<Int64>

  /// Loads every key.
  public init(store: any Store) throws(StoreError) {
    self.store = store
    var loaded = Index()
    let mark = try store.load { (stored) throws(StoreError) in
      guard loaded.key(id: stored.key.id) == nil, loaded.row(digest: stored.digest) == nil,
        stored.key.deleteTime != nil || !loaded.contains(stored.key.name)
      else { throw .damaged("two keys have the same id, name or digest") }
      loaded.insert(stored)
    }
    loaded.advance(to: mark.revision)
    index = Mutex(loaded)
    latest = Atomic(mark.latestInstant.microseconds)
  }

  /// The store's revision.
  public var revision: Revision { index.withLock { $0.revision } }

  /// How many keys there are, deleted ones not counted.
  public var keyCount: Int { index.withLock { $0.count } }

  /// The instant by which a call at `instant` is judged.
  public func judged(_ instant: Instant) -> Instant {
    max(instant, Instant(microseconds: latest.load(ordering: .relaxed)))
  }

  /// Judges a secret. Never waits for the store.
  public func validate(_ secret: PresentedSecret, for permission: Permission, at instant: Instant) -> Validation {
    guard case .digest(let digest) = secret else { return Validation(.malformed) }
    let now = judged(instant)
    return index.withLock { index in
      guard let row = index.row(digest: digest) else { return Validation(.notFound) }
      return index.keys[row].validation(for: permission, at: now, revision: index.revision)
    }
  }

  /// One key by its id, deleted or not.
  /// - Throws: ``DomainError/notFound(_:)``.
  public func key(id: KeyID, at instant: Instant) throws(DomainError) -> KeyView {
    guard let key = index.withLock({ $0.key(id: id) }) else { throw .notFound("no key has the id \(id)") }
    return KeyView(key, at: judged(instant))
  }

  /// One key by its exact name; deleted ones have none.
  /// - Throws: ``DomainError/notFound(_:)``.
  public func key(name: KeyName, at instant: Instant) throws(DomainError) -> KeyView {
    guard let key = index.withLock({ $0.key(name: name) }) else {
      throw .notFound("no key has the name \"\(name.text)\"")
    }
    return KeyView(key, at: judged(instant))
  }

  /// One page of keys.
  /// - Throws: ``DomainError/invalid(field:_:)`` for a page token that this query never gave.
  public func list(_ query: ListQuery, at instant: Instant) throws(DomainError) -> KeyPage {
    let start = query.pageToken.isEmpty ? 0 : try PageToken(query.pageToken, of: query).ordinal
    let (page, total) = index.withLock { index in
      (
        index.page(after: start, limit: query.pageSize) { query.showDeleted || $0.deleteTime == nil },
        query.showDeleted ? index.keys.count : index.count
      )
    }
    let now = judged(instant)
    return KeyPage(
      keys: page.keys.map { KeyView($0, at: now) },
      nextPageToken: page.hasMore ? PageToken(ordinal: page.last).text(for: query) : "", totalSize: total)
  }

  /// Carries out commands in one commit of the store; one that is refused leaves the others as they are.
  /// - Returns: what each came to, in their order.
  public func commit(_ commands: [Command], at instant: Instant) -> [Result<Outcome, DomainError>] {
    let now = judged(instant)
    let drafts = commands.map { command in Result { () throws(DomainError) in try draft(command, at: now) } }
    let changes = drafts.compactMap { try? $0.get().change }
    guard !changes.isEmpty else { return drafts.map { $0.flatMap { _ in preconditionFailure("all were refused") } } }
    let placements: [Result<Placement, Conflict>]
    do throws(StoreError) {
      placements = try store.commit(changes, at: now)
    } catch {
      return drafts.map { $0.flatMap { _ in .failure(DomainError(error)) } }
    }
    latest.store(now.microseconds, ordering: .relaxed)
    var next = placements.makeIterator()
    return drafts.map { draft in
      draft.flatMap { draft in
        guard let placement = next.next() else { return .failure(.internal("the store lost count of its changes")) }
        return placement.mapError { draft.refusal($0) }.map { publish(draft, at: $0, now) }
      }
    }
  }

  private func draft(_ command: Command, at now: Instant) throws(DomainError) -> Draft {
    switch command {
    case .create(let request, let actor):
      if let expireTime = request.expireTime, expireTime <= now {
        throw .invalid(field: "expire_time", "\(expireTime) is not later than now, \(now)")
      }
      guard request.expireTime?.isRepresentable ?? true else {
        throw .invalid(field: "expire_time", "is later than the year 9999: leave it out for a key that never expires")
      }
      let draft = Draft(creating: request, by: actor, at: now)
      guard !index.withLock({ $0.contains(request.name) }) else { throw draft.refusal(.nameTaken) }
      return draft
    }
  }

  /// Makes a committed change known.
  private func publish(_ draft: Draft, at placement: Placement, _ now: Instant) -> Outcome {
    var key = draft.key
    key.revision = placement.revision
    index.withLock { $0.insert(StoredKey(key: key, digest: draft.secret.digest, ordinal: placement.ordinal)) }
    return .created(KeyView(key, at: now), draft.secret)
  }
}

/// A change that the rules allow and the store has yet to make.
private struct Draft {
  let key: Key
  let secret: Secret

  var change: Change { .insert(key, secret.digest) }

  init(creating request: CreateKey, by actor: Actor, at now: Instant) {
    var generator = SystemRandomNumberGenerator()
    secret = .random(for: request.permission, using: &generator)
    key = Key(
      id: .random(using: &generator), name: request.name, permission: request.permission, enabled: request.enabled,
      expireTime: request.expireTime, hint: secret.hint, creator: actor.user, createTime: now, updater: actor.user,
      updateTime: now, revision: 0)
  }

  func refusal(_ conflict: Conflict) -> DomainError {
    switch conflict {
    case .nameTaken: .alreadyExists("a key has the name \"\(key.name.text)\" already: choose another")
    case .duplicate: .internal("a new key met its double")
    }
  }
}

extension DomainError {
  init(_ error: StoreError) {
    switch error {
    case .unavailable(let text): self = .unavailable(text)
    case .exhausted(let text): self = .exhausted(text)
    case .damaged(let text): self = .internal(text)
    }
  }
}
