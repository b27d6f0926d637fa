import Synchronization

/// What the sweeper asks of the registry. Nothing is judged by whether any of it has run.
///
/// Like ``Registry/commit(_:at:limit:)`` these block on the store and share its one caller.
extension Registry {
  /// How long before its end a key counts as soon unavailable. May be set from any thread; then every key is looked at
  /// again, a piece at a time.
  public var soonWindow: SoonWindow {
    get { window.withLock { $0 } }
    set {
      window.withLock { $0 = newValue }
      var start = 0
      // A key that comes up before its turn here is judged by the new window anyway.
      let step = KeyBlock.capacity
      while index.withLock({ $0.attend(toRows: start..<start + step, after: .epoch, newValue) }) { start += step }
    }
  }

  /// Records what time has done: at most `limit` events, of at most `limit` keys.
  ///
  /// What the store does not take is due at the next call as it was at this one.
  /// - Parameter actor: who does it, for the audit: ``Actor/sweeper(uid:pid:)``.
  public func sweep(at instant: Instant, by actor: Actor, limit: Int = 256) -> Sweep {
    let now = judged(instant)
    let window = soonWindow
    var drafts: [Draft] = []
    // Another window that is set meanwhile has keys come up anew.
    var drafted: Set<KeyID> = []
    var lookedAt = 0
    while lookedAt < limit, let due = index.withLock({ $0.takeDue(at: now, window: window) }) {
      lookedAt += 1
      guard case .event(let event, let key) = due, drafted.insert(key.id).inserted else { continue }
      let effect = event.after.map { Change.Effect.note($0) } ?? .purge
      let change = Change(effect, type: event.type, by: actor, before: key)
      drafts.append(Draft(change: change, subject: key, secret: nil))
    }
    var events: [Sweep.Event] = []
    var failure: DomainError?
    for (draft, result) in zip(drafts, carryOut(drafts, at: now)) {
      switch result {
      case .success(let outcome):
        events.append(Sweep.Event(type: draft.change.type, key: outcome.view.key, revision: outcome.revision))
      case .failure(let error):
        failure = error
        // It is as it was, for nobody else makes changes meanwhile.
        index.withLock { $0.attend(to: draft.subject, after: now, window) }
      }
    }
    let next = nextAttention
    return Sweep(events: events, isComplete: next.map { $0 > now } ?? true, next: next, failure: failure)
  }

  /// The next instant that matters to ``sweep(at:by:limit:)``; nil where none is to come.
  public var nextAttention: Instant? { index.withLock { $0.agenda.next } }

  /// Writes when keys were last used: at most `limit` of them. Calls make passes over all keys, so that each pass comes to
  /// its end however much is used meanwhile. What the store does not take is written another time.
  /// - Returns: whether the pass goes on.
  public func flushUses(limit: Int = 4096) throws(StoreError) -> Bool {
    var taken: [(row: Int, use: KeyUse)] = []
    var isOver = false
    while !isOver, taken.count < limit {
      // A piece at a time, so that no validation waits for many.
      let piece = index.withLock { $0.takeUses(limit: min(256, limit - taken.count)) }
      taken += piece.uses
      isOver = piece.isOver
    }
    guard !taken.isEmpty else { return !isOver }
    do throws(StoreError) {
      try store.recordUse(taken.map(\.use))
    } catch {
      index.withLock { $0.putBack(taken) }
      throw error
    }
    return !isOver
  }

  /// Whether there are uses that are not written.
  public var hasUnwrittenUses: Bool { index.withLock { $0.hasUses } }

  /// Lets go of what is no longer of use: attempts of more than 24 hours ago, former secrets past their grace.
  ///
  /// The instant is recorded before anything goes, for whatever is forgotten must not come to matter again when the
  /// clock is set back: an attempt made anew, a former secret good once more.
  /// - Parameter limit: attempts, former secrets and keys that have some, each at most, so that changes need not wait
  ///   long.
  /// - Returns: whether there may be more.
  public func forget(at instant: Instant, limit: Int = 1000) throws(StoreError) -> Bool {
    let now = judged(instant)
    let attemptsEnd = now.adding(seconds: -RequestID.lifetimeSeconds)
    let hasAttempts = attempts.withLock { $0.hasAny(upTo: attemptsEnd) }
    let hasDigests = index.withLock { $0.hasFormerDigests(endedBy: now) }
    guard hasAttempts || hasDigests else { return false }
    _ = try store.commit([], at: now)
    latest.store(now.microseconds, ordering: .relaxed)
    if try store.forget(before: now, limit: limit) >= limit { return true }
    attempts.withLock { $0.forget(upTo: attemptsEnd) }
    var left = limit
    // One key at a time, so that no validation waits for many.
    while left > 0, index.withLock({ $0.dropFormerDigests(endedBy: now) }) { left -= 1 }
    return left == 0
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
  /// Why some events could not be recorded; they are still due.
  public let failure: DomainError?
}
