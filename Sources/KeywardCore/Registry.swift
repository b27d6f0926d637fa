import Synchronization

/// The rules over all keys: what may change, what a secret is good for.
///
/// Every instant is passed in, one for each call; an instant earlier than the latest one the store has recorded
/// counts as that latest one, so that no clock that has gone back brings a key to life.
///
/// Concurrency: questions may come from any thread. ``commit(_:at:)`` and ``auditEvents(_:)`` have one caller at a
/// time between them, for they block on the store. The lock round the index is held for one look-up, one page or one insertion, never during I/O.
///
/// Invariants: the index changes after the store's commit and before ``commit(_:at:)`` returns, so no question asked
/// after a change was acknowledged is answered from before it.
public final class Registry: Sendable {
  let store: any Store
  let index: Mutex<Index>
  /// What ``commit(_:at:)`` remembers; its lock is for the compiler, there is one caller.
  let attempts = Mutex(Attempts())
  private let window = Mutex(SoonWindow.oneMonth)
  /// The latest instant recorded, in microseconds.
  let latest: Atomic<Int64>

  /// Loads every key.
  public init(store: any Store) throws(StoreError) {
    self.store = store
    var loaded = Index()
    let mark = try store.load { (stored) throws(StoreError) in
      guard loaded.key(id: stored.key.id) == nil, !loaded.contains(stored.digest),
        !stored.former.contains(where: { loaded.contains($0.digest) }),
        stored.key.deleteTime != nil || !loaded.contains(stored.key.name)
      else { throw .damaged("two keys have the same id, name or digest") }
      loaded.insert(stored)
      // What is due already comes up at the first sweep, whenever that is.
      loaded.attend(to: stored.key.id, after: .epoch, .oneMonth)
    }
    loaded.advance(to: mark.revision)
    index = Mutex(loaded)
    latest = Atomic(mark.latestInstant.microseconds)
    try store.loadAttempts { (attempt) throws(StoreError) in attempts.withLock { $0.remember(attempt) } }
  }

  /// How long before its end a key counts as soon unavailable.
  public var soonWindow: SoonWindow {
    get { window.withLock { $0 } }
    set { window.withLock { $0 = newValue } }
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
    return index.withLock { $0.use(digest, for: permission, at: now) }
  }

  /// As ``validate(_:for:at:)`` for a later instant; nothing is used by it.
  /// - Throws: ``DomainError/invalid(field:_:)`` for an instant that has passed.
  public func validate(
    _ secret: PresentedSecret, for permission: Permission, asOf later: Instant, at instant: Instant
  ) throws(DomainError) -> Validation {
    let now = try judged(instant, asOf: later)
    guard case .digest(let digest) = secret else { return Validation(.malformed) }
    return index.withLock { $0.validation(of: digest, for: permission, at: now) }
  }

  /// One key by its id, deleted or not.
  /// - Throws: ``DomainError/notFound(_:)``.
  public func key(id: KeyID, at instant: Instant) throws(DomainError) -> KeyView {
    guard let key = index.withLock({ $0.key(id: id) }) else { throw KeyRules.notFound(id) }
    return view(of: key, at: judged(instant))
  }

  /// One key by its exact name; deleted ones have none.
  /// - Throws: ``DomainError/notFound(_:)``.
  public func key(name: KeyName, at instant: Instant) throws(DomainError) -> KeyView {
    guard let key = index.withLock({ $0.key(name: name) }) else {
      throw .notFound("no key has the name \"\(name.text)\"")
    }
    return view(of: key, at: judged(instant))
  }

  /// One page of keys. Takes the time that looking at every key takes, and holds up nobody meanwhile.
  /// - Throws: ``DomainError/invalid(field:_:)`` for a page token that this query never gave, or an instant that has
  ///   passed.
  public func list(_ query: ListQuery, at instant: Instant) throws(DomainError) -> KeyPage {
    let now = try judged(instant, asOf: query.asOf)
    return try index.withLock { $0.rows }.page(query, at: now, soonEnd: soonWindow.end(from: now))
  }

  /// The instant by which a question about a later instant is judged.
  /// - Throws: ``DomainError/invalid(field:_:)`` for an instant that has passed.
  public func judged(_ instant: Instant, asOf later: Instant?) throws(DomainError) -> Instant {
    let now = judged(instant)
    guard let later else { return now }
    guard later >= now else {
      throw .invalid(field: "as_of_time", "\(later) is before now, \(now): only later instants can be asked about")
    }
    return later
  }

  /// One page of the audit, the latest events first. Blocks on the store, so it has one caller at a time, together
  /// with ``commit(_:at:)``.
  /// - Throws: ``DomainError/invalid(field:_:)`` for a page token that this query never gave.
  public func auditEvents(_ query: AuditPageQuery) throws(DomainError) -> AuditPage {
    let token = query.pageToken.isEmpty ? nil : try AuditPageToken(query.pageToken, of: query.events)
    let events: [AuditEvent]
    let total: Int
    do throws(StoreError) {
      // One more than is told says whether there is another page.
      (events, total) = try store.auditEvents(query.events, before: token?.revision, limit: query.pageSize + 1)
    } catch {
      throw DomainError(error)
    }
    let page = Array(events.prefix(query.pageSize))
    let hasMore = events.count > page.count
    let next = hasMore ? page.last.map { AuditPageToken(revision: $0.revision).text(for: query.events) } : nil
    return AuditPage(events: page, nextPageToken: next ?? "", totalSize: total)
  }

  /// Carries out commands in as few commits of the store as they allow; one that is refused leaves the others as they
  /// are.
  /// - Returns: what each came to, in their order.
  public func commit(_ commands: [Command], at instant: Instant) -> [Result<Outcome, DomainError>] {
    let now = judged(instant)
    var results = [Result<Outcome, DomainError>?](repeating: nil, count: commands.count)
    var waiting = Array(commands.indices)
    while !waiting.isEmpty {
      var round = Round(at: now)
      var drafts: [(Int, Draft)] = []
      waiting = waiting.filter { number in
        switch draft(commands[number], in: &round) {
        case .success(.change(let draft)): drafts.append((number, draft))
        case .success(.nothing(let key)):
          results[number] = .success(
            Outcome(view: view(of: key, at: now), secret: nil, revision: revision, change: nil))
        case .success(.later): return true
        case .failure(let error): results[number] = .failure(error)
        }
        return false
      }
      for ((number, _), result) in zip(drafts, carryOut(drafts.map(\.1), at: now)) { results[number] = result }
    }
    return results.map { $0 ?? .failure(.internal("a command was lost")) }
  }

  private func view(of key: Key, at now: Instant) -> KeyView {
    KeyView(key, at: now, soonEnd: soonWindow.end(from: now))
  }

  /// Makes the changes in one commit of the store, and makes them known.
  private func carryOut(_ drafts: [Draft], at now: Instant) -> [Result<Outcome, DomainError>] {
    guard !drafts.isEmpty else { return [] }
    let placements: [Result<Placement, Conflict>]
    do throws(StoreError) {
      placements = try store.commit(drafts.map(\.change), at: now)
    } catch {
      return drafts.map { _ in .failure(DomainError(error)) }
    }
    latest.store(now.microseconds, ordering: .relaxed)
    return zip(drafts, placements).map { draft, placement in
      placement.mapError { draft.refusal($0) }.map { publish(draft, at: $0, now) }
    }
  }

  @discardableResult
  func publish(_ draft: Draft, at placement: Placement, _ now: Instant) -> Outcome {
    let change = draft.change
    var key = change.after ?? draft.subject
    if case .note = change.effect {} else { key.revision = placement.revision }
    let soonWindow = soonWindow
    index.withLock { index in
      switch change.effect {
      case .insert(_, let digest):
        index.insert(StoredKey(key: key, digest: digest, ordinal: placement.ordinal))
      case .replace, .note: index.replace(key)
      case .rotate(_, let digest, let until): index.rotate(key, to: digest, oldUntil: until)
      case .purge: index.purge(key.id, revision: placement.revision)
      }
      index.advance(to: placement.revision)
      index.attend(to: key.id, after: now, soonWindow)
    }
    if let attempt = change.attempt {
      attempts.withLock { $0.remember(Attempt(id: attempt, key: key.id, time: now)) }
    }
    return Outcome(
      view: view(of: key, at: now), secret: draft.secret, revision: placement.revision, change: change.type)
  }
}

extension Registry: KeyLookup {
  // Each look-up takes the lock by itself: secrets are made between them, which takes longer than a validation may
  // wait.
  func committedKey(_ id: KeyID) -> Key? { index.withLock { $0.key(id: id) } }

  func isTaken(_ name: KeyName) -> Bool { index.withLock { $0.contains(name) } }

  private func draft(_ command: Command, in round: inout Round) -> Result<Drafted, DomainError> {
    Result { () throws(DomainError) in
      if let requestID = command.request.requestID {
        let id = AttemptID(
          uid: command.actor.uid, requestID: requestID, fingerprint: command.request.action.fingerprint)
        let made = try attempts.withLock { (attempts) throws(DomainError) in try attempts.key(of: id, at: round.now) }
        if let made {
          guard let key = committedKey(made) else { throw KeyRules.notFound(made) }
          return .nothing(key)
        }
        guard round.claim(id) else { return .later }
      }
      return try round.draft(command, over: self)
    }
  }
}

extension Registry {
  /// Records what time has done, for the sweeper: a bounded piece of it.
  ///
  /// Nothing is judged by whether this has run.
  /// - Throws: where the store takes no changes; what was due then is due at the next call.
  public func sweep(at instant: Instant, limit: Int = 256) throws(StoreError) -> Sweep {
    let now = judged(instant)
    let window = soonWindow
    var drafts: [Draft] = []
    while drafts.count < limit, let due = index.withLock({ $0.takeDue(at: now, window: window) }) {
      let effect = due.event.after.map { Change.Effect.note($0) } ?? .purge
      let change = Change(effect, type: due.event.type, by: .keyward, before: due.key)
      drafts.append(Draft(change: change, subject: due.key, secret: nil))
    }
    let results = carryOut(drafts, at: now)
    var events: [Sweep.Event] = []
    for (draft, result) in zip(drafts, results) {
      switch result {
      case .success(let outcome):
        events.append(Sweep.Event(type: draft.change.type, key: outcome.view.key, revision: outcome.revision))
      case .failure: index.withLock { $0.attend(to: draft.subject.id, after: now, window) }
      }
    }
    let uses = index.withLock { $0.takeUses(limit: limit) }
    if !uses.isEmpty { try store.recordUse(uses) }
    let next = index.withLock { $0.agenda.next }
    return Sweep(events: events, isComplete: drafts.count < limit && uses.count < limit, next: next)
  }

  /// The next instant that matters to ``sweep(at:limit:)``; nil where none is to come.
  public var nextAttention: Instant? { index.withLock { $0.agenda.next } }

  /// Lets go of what is no longer of use: attempts of more than 24 hours ago, former secrets past their grace.
  /// - Returns: whether there may be more.
  public func forget(at instant: Instant, limit: Int = 1000) throws(StoreError) -> Bool {
    let now = judged(instant)
    attempts.withLock { $0.forget(before: now.adding(seconds: -RequestID.lifetimeSeconds)) }
    return try store.forget(before: now, limit: limit) > 0
  }
}

/// What one piece of sweeping came to.
public struct Sweep: Sendable {
  public struct Event: Sendable {
    public let type: ChangeType
    /// The key, as it was last for one that is gone.
    public let key: Key
    public let revision: Revision
  }

  public let events: [Event]
  /// Whether nothing more is due at present.
  public let isComplete: Bool
  /// The next instant that matters; nil where none is to come.
  public let next: Instant?
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
