import Synchronization

/// The rules over all keys: what may change, what a secret is good for.
///
/// Every instant is passed in, one for each call; an instant earlier than the latest one the store has recorded
/// counts as that latest one, so that no clock that has gone back brings a key to life.
///
/// Concurrency: questions may come from any thread. ``commit(_:at:limit:)``, ``commit(_:by:at:)``, ``auditEvents(_:)`` and
/// ``tidy()`` have one caller at a time between them, for they block on the store. The lock round the index is held for one
/// look-up, one insertion, one piece of a longer task or the validations of one turn, never during I/O.
///
/// Invariants: the index changes after the store's commit and before ``commit(_:at:limit:)`` returns, so no question asked
/// after a change was acknowledged is answered from before it.
public final class Registry: Sendable {
  let store: ObservedStore
  let index: Mutex<Index>
  /// Of ``index``.
  private let lookUpHint: LookUpHint
  /// What ``commit(_:at:limit:)`` remembers; its lock is for the compiler, there is one caller.
  let attempts = Mutex(Attempts())
  let runLowHandler = Mutex<Hook?>(nil)
  let window: Mutex<SoonWindow>
  /// The latest instant recorded, in microseconds.
  let latest: Atomic<Int64>
  /// The latest changes, each once questions are answered by it.
  public let feed: ChangeFeed
  /// The revision before the audit's first row, or the store's where it has none yet: what followed it is on record.
  public let auditStart: Revision

  /// The end of the audit as this process knows it.
  private let head: Mutex<AuditHead>

  /// Loads every key.
  /// - Parameter feedCapacity: how many changes those who watch find in memory.
  public init(
    store: any Store, soonWindow: SoonWindow = .oneMonth, feedCapacity: Int = ChangeFeed.defaultCapacity
  ) throws(StoreError) {
    let store = ObservedStore(store)
    self.store = store
    window = Mutex(soonWindow)
    var loaded = Index()
    let mark = try store.load { (stored) throws(StoreError) in
      guard stored.key.name.text.utf8.count <= KeyName.maxByteCount else {
        throw .damaged("a key's name is longer than any may be")
      }
      guard loaded.insert(stored) else { throw .damaged("two keys have the same id, name or digest") }
      // What is due already comes up at the first sweep, whenever that is.
      loaded.attend(to: stored.key, after: .epoch, soonWindow)
    }
    loaded.advance(to: mark.revision)
    try store.loadReservations { (reservation) throws(StoreError) in loaded.restore(reservation) }
    lookUpHint = loaded.lookUpHint
    index = Mutex(loaded)
    latest = Atomic(mark.latestInstant.microseconds)
    feed = ChangeFeed(after: mark.revision, capacity: feedCapacity)
    auditStart = try store.auditStart() ?? mark.revision
    head = Mutex(try store.auditHead() ?? .empty)
    try store.loadAttempts { (attempt) throws(StoreError) in attempts.withLock { $0.remember(attempt) } }
  }

  /// Whether the store took what it was last given to write.
  public var takesChanges: Bool { store.takesChanges }

  /// Has something called when that changes, where the store is called.
  public func observeStore(_ body: @escaping @Sendable () -> Void) {
    store.observe(body)
  }

  /// Has a store that took nothing write the instant, to see whether it takes changes again. Nothing else comes of it.
  public func probeStore(at instant: Instant) throws(StoreError) {
    let now = judged(instant)
    _ = try store.commit([], at: now)
    latest.store(now.microseconds, ordering: .relaxed)
  }

  /// The store's revision.
  public var revision: Revision { index.withLock { $0.revision } }

  /// The newest row of the audit.
  public var auditHead: AuditHead { head.withLock { $0 } }

  /// How many keys there are, deleted ones not counted.
  public var keyCount: Int { index.withLock { $0.count } }

  /// The instant by which a call at `instant` is judged.
  public func judged(_ instant: Instant) -> Instant {
    max(instant, Instant(microseconds: latest.load(ordering: .relaxed)))
  }

  /// Judges a secret. Never waits for the store.
  /// - Returns: nil where the store has to reserve the use first: nothing is used then, and ``reserve(for:at:)`` and
  ///   ``judge(_:with:at:)`` go on with it.
  public func validate(_ secret: PresentedSecret, for permission: Permission, at instant: Instant) -> Validation? {
    guard case .digest(let digest) = secret else { return Validation(.malformed) }
    let now = judged(instant)
    var runsLow = false
    let validation = index.withLock { $0.use(digest, for: permission, at: now, runsLow: &runsLow) }
    if runsLow { runLowHandler.withLock { $0 }?() }
    return validation
  }

  /// Has what ``validateUnlimited(_:at:)`` begins with in the cache when it is asked this. Of use for one question that has
  /// to wait until it is asked; many that are asked together wait together anyway.
  public func expect(_ question: PlainQuestion) {
    lookUpHint.prefetch(question.digest)
  }

  /// As ``validate(_:for:at:)`` for many questions about keys without limits, at the least cost.
  public func validateUnlimited(_ questions: some PlainQuestions, at instant: Instant) {
    let now = judged(instant)
    let count = questions.questions.count
    for start in stride(from: 0, to: count, by: Self.validatedTogether) {
      index.withLock {
        $0.useUnlimited(questions, start..<min(start + Self.validatedTogether, count), at: now)
      }
    }
  }

  /// How many validations hold the lock together.
  private static let validatedTogether = 128

  /// As ``validate(_:for:at:)`` for several secrets, each judged after those before it. Nothing is used where one of
  /// them has to wait.
  /// - Throws: ``DomainError/invalid(field:_:)`` for a later instant that has passed.
  public func validate(_ questions: [Question], at instant: Instant) throws(DomainError) -> [Validation]? {
    for question in questions { _ = try judged(instant, asOf: question.asOf) }
    return judge([questions], with: [], at: instant).first ?? nil
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
    let token = query.pageToken.isEmpty ? nil : try PageToken(query.pageToken, of: query)
    let now: Instant
    if let asOf = token?.asOf {
      // What was later than now when the first page was asked for may have passed since.
      now = max(asOf, judged(instant))
    } else {
      now = try judged(instant, asOf: query.asOf)
    }
    let soonEnd = soonWindow.end(from: now)
    let snapshot = index.withLock { $0.snapshot }
    let page = snapshot.page(query, after: token, at: now, soonEnd: soonEnd) { rows in
      index.withLock { $0.lastUses(of: rows) }
    }
    let usages = usages(of: page.keys.map(\.key), at: now)
    return KeyPage(
      keys: zip(page.keys, usages).map { view, usage in view.with(usage) }, nextPageToken: page.nextPageToken,
      totalSize: page.totalSize)
  }

  /// The instant by which a question about a later instant is judged.
  /// - Throws: ``DomainError/invalid(field:_:)`` for an instant that has passed.
  public func judged(_ instant: Instant, asOf later: Instant?) throws(DomainError) -> Instant {
    let now = judged(instant)
    guard let later = later?.orNow(at: now) else { return now }
    guard later >= now else {
      throw .invalid(field: "as_of_time", "\(later) is before now, \(now): only later instants can be asked about")
    }
    return later
  }

  /// One page of the audit, the latest events first. Blocks on the store, so it has one caller at a time, together
  /// with ``commit(_:at:limit:)``.
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
    let window = soonWindow
    return AuditPage(
      events: page.map { AuditEventView($0, window) }, nextPageToken: next ?? "", totalSize: total)
  }

  /// Carries out commands in one commit of the store, as many as it allows; one that is refused leaves the others as
  /// they are.
  /// - Parameter limit: how many commands at most, so that nobody waits long; at least 1.
  /// - Returns: what each came to, in their order; nil for one that has to be asked for again, for it is past the limit
  ///   or touches what another one changes. The first one never is.
  public func commit(
    _ commands: some Collection<Command>, at instant: Instant, limit: Int
  ) -> [Result<Outcome, DomainError>?] {
    let now = judged(instant)
    var results = [Result<Outcome, DomainError>?](repeating: nil, count: commands.count)
    var round = Round(at: now)
    var (numbers, drafts): ([Int], [Draft]) = ([], [])
    numbers.reserveCapacity(min(commands.count, limit))
    drafts.reserveCapacity(min(commands.count, limit))
    var left = limit
    for (number, command) in commands.enumerated() {
      guard left > 0 else { break }
      switch draft(command, in: &round) {
      case .success(.later): continue
      case .success(.change(let draft)):
        numbers.append(number)
        drafts.append(draft)
      case .success(.nothing(let key)):
        results[number] = .success(
          Outcome(view: view(of: key, at: now), secret: nil, revision: revision, change: nil))
      case .failure(let error): results[number] = .failure(error)
      }
      left -= 1
    }
    for (number, result) in zip(numbers, carryOut(drafts, at: now)) { results[number] = result }
    return results
  }

  /// Does what the store's transactions leave to be done, once their replies have gone. Blocks on the store.
  public func tidy() { store.tidy() }

  /// A key as it is told: with its very last use, which may not be written yet, what is left of its total, and when its
  /// former secrets end.
  func view(of key: Key, at now: Instant) -> KeyView {
    let (key, usage, formerEnds) = index.withLock { index in
      (index.withLastUse(key), index.usage(of: key.id, at: now), index.formerEnds(of: key.id))
    }
    return KeyView(key, at: now, soonEnd: soonWindow.end(from: now), usage: usage, formerEnds: formerEnds)
  }

  /// Makes the changes in one commit of the store, and makes them known.
  func carryOut(_ drafts: [Draft], at now: Instant) -> [Result<Outcome, DomainError>] {
    guard !drafts.isEmpty else { return [] }
    let placements: [Result<Placement, Conflict>]
    do throws(StoreError) {
      placements = try store.commit(drafts.map(\.change), at: now)
    } catch {
      return drafts.map { _ in .failure(DomainError(error)) }
    }
    latest.store(now.microseconds, ordering: .relaxed)
    defer { noteHead() }
    return zip(drafts, placements).map { draft, placement in
      placement.mapError { draft.refusal($0) }.map { publish(draft, at: $0, now) }
    }
  }

  /// The changes are made already: a head that cannot be read is told at the next change.
  func noteHead() {
    guard let newest = try? store.auditHead() else { return }
    head.withLock { $0 = newest }
  }

  /// Makes a change known that the store has made, and tells of it.
  func publish(_ draft: Draft, at placement: Placement, _ now: Instant) -> Outcome {
    let key = makeKnown(draft.change, of: draft.subject, at: placement, now)
    var view: KeyView?
    // Nobody can have used a key that nobody knows of.
    if case .insert = draft.change.effect, !key.isLimited {
      view = KeyView(key, at: now, soonEnd: soonWindow.end(from: now))
    }
    return Outcome(
      view: view ?? self.view(of: key, at: now), secret: draft.secret, revision: placement.revision,
      change: draft.change.type)
  }

  /// Makes a change known that the store has made.
  /// - Returns: the key as it is now, as it was last where it is gone.
  @discardableResult
  func makeKnown(_ change: Change, of subject: Key, at placement: Placement, _ now: Instant) -> Key {
    var key = change.after ?? subject
    if case .note = change.effect {} else { key.revision = placement.revision }
    let soonWindow = soonWindow
    index.withLock { index in
      switch change.effect {
      case .insert(_, let digest):
        index.insert(StoredKey(key: key, digest: digest, ordinal: placement.ordinal))
      case .replace, .note: index.replace(key)
      case .rotate(_, let digest, let until): index.rotate(key, to: digest, oldUntil: until, at: now)
      case .purge: index.purge(key.id, revision: placement.revision)
      }
      index.advance(to: placement.revision)
      index.attend(to: key, after: now, soonWindow)
    }
    if let attempt = change.attempt {
      attempts.withLock { $0.remember(Attempt(id: attempt, key: key.id, time: now)) }
    }
    // What is gone is told as it was.
    feed.append(
      KeyEvent(revision: placement.revision, type: change.type, time: now, key: change.after == nil ? subject : key))
    return key
  }
}

extension Registry: KeyLookup {
  // Each look-up takes the lock by itself: secrets are made between them, which takes longer than a validation may
  // wait.
  func committedKey(_ id: KeyID) -> Key? { index.withLock { $0.key(id: id) } }

  func isTaken(_ name: KeyName) -> Bool { index.withLock { $0.contains(name) } }

  func formerEnds(of id: KeyID) -> [Instant] { index.withLock { $0.formerEnds(of: id) } }

  func draft(_ command: Command, in round: inout Round) -> Result<Drafted, DomainError> {
    // Many may wait for one key, so that is looked at before anything that takes longer.
    guard !round.changes(command.request.action.keyID) else { return .success(.later) }
    return Result { () throws(DomainError) in
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

extension DomainError {
  package init(_ error: StoreError) {
    switch error {
    case .unavailable(let text): self = .unavailable(text)
    case .exhausted(let text): self = .exhausted(text)
    case .damaged(let text): self = .internal(text)
    }
  }
}
