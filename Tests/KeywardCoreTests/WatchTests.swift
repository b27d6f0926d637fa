import KeywardCore
import Synchronization
import TestSupport
import Testing

/// What the registry tells those who watch: the feed of the latest changes, and what went before it from the audit.
@Suite struct WatchTests {
  let clock = ManualClock()
  let store = FakeStore()

  private func create(_ name: String, _ registry: Registry, expires: Instant? = nil) throws -> Outcome {
    let request = CreateKey(name: try KeyName(name), permission: .chat, expireTime: expires)
    return try registry.commit([.create(request, by: .sample)], at: clock.now)[0].get()
  }

  private func change(_ action: ChangeRequest.Action, _ registry: Registry) throws {
    _ = try registry.commit([Command(ChangeRequest(action), by: .sample)], at: clock.now)[0].get()
  }

  private func imports(_ count: Int) throws -> ImportKeys {
    try ImportKeys(
      (1...count).map { number in
        try ImportKey(
          name: KeyName("i\(number)"), permission: .chat, credential: ImportCredential(digest: .sample(number)))
      })
  }

  /// All that the feed holds after a revision; nil where that has left it.
  private func fed(_ registry: Registry, after revision: Revision) -> [KeyEvent]? {
    guard case .events(let events) = registry.feed.events(after: revision, limit: 1000) else { return nil }
    return events
  }

  @Test func `Every kind of change is fed in the order of revisions, as the audit has it`() throws {
    let registry = try Registry(store: store)
    let key = try create("first", registry, expires: clock.now.adding(seconds: 3600))
    let id = key.view.key.id
    #expect(registry.sweep(at: clock.now, by: .testSweeper).events.map(\.type) == [.soonUnavailable])
    try change(.update(id, KeyUpdate(enabled: false)), registry)
    try change(.update(id, KeyUpdate(enabled: true)), registry)
    try change(.update(id, KeyUpdate(name: try KeyName("second"))), registry)
    try change(.rotate(id, try RotateKey(graceSeconds: 60)), registry)
    clock.advance(seconds: 3600)
    _ = registry.sweep(at: clock.now, by: .testSweeper)
    try change(.revoke(id, Revocation()), registry)
    try change(.delete(id), registry)
    try change(.undelete(id), registry)
    try change(.delete(id), registry)
    _ = try registry.importKeys(imports(2), by: .sample, at: clock.now)
    clock.advance(seconds: 31 * 86400)
    _ = registry.sweep(at: clock.now, by: .testSweeper)
    let events = try #require(fed(registry, after: 0))
    #expect(
      Set(events.map(\.type))
        == Set([
          .created, .soonUnavailable, .disabled, .enabled, .updated, .rotated, .expired, .revoked, .deleted, .undeleted,
          .imported, .purged,
        ]))
    #expect(events.map(\.revision) == Array(1...registry.revision))
    #expect(events == store.audit.compactMap { KeyEvent($0) })
    #expect(try registry.recordedEvents(after: 0, limit: 100) == events)
    #expect(events.last { $0.type == .purged }?.key.id == id, "what is gone is told as it was")
  }

  @Test func `A key is told as it was judged at its change, and what is left of its uses is not`() throws {
    let registry = try Registry(store: store)
    let key = try create("first", registry, expires: clock.now.adding(seconds: 10)).view.key
    let event = try #require(fed(registry, after: 0)?.first)
    clock.advance(seconds: 60)
    let view = KeyEventView(event, .oneMonth)
    #expect(view.key.state == .active && view.key.availability == .soonUnavailable)
    #expect(view.key.usage == nil && view.key.formerSecretEnds.isEmpty)
    #expect(view.key.key == key)
  }

  @Test func `A change is fed once questions are answered by it`() throws {
    let registry = try Registry(store: store)
    let made = try create("first", registry)
    let secret = try #require(made.secret).presented
    let verdicts = Seen<Verdict>()
    registry.feed.observe { [clock] in
      if let verdict = registry.validate(secret, for: .chat, at: clock.now)?.verdict { verdicts.add(verdict) }
    }
    #expect(registry.feed.awaitNews(after: 1))
    try change(.revoke(made.view.key.id, Revocation()), registry)
    #expect(verdicts.all == [.revoked])
  }

  @Test func `News is told once for each time it was awaited, and not where it has come already`() throws {
    let registry = try Registry(store: store)
    let told = Seen<Revision>()
    registry.feed.observe { told.add(registry.feed.newest) }
    _ = try create("a", registry)
    #expect(told.all.isEmpty)
    #expect(!registry.feed.awaitNews(after: 0))
    #expect(registry.feed.awaitNews(after: 1))
    _ = try create("b", registry)
    _ = try create("c", registry)
    #expect(told.all == [2])
  }

  @Test func `The feed holds so many changes and no more, and what has left it is in the audit`() throws {
    let registry = try Registry(store: store, feedCapacity: 3)
    for number in 1...7 {
      _ = try create("k\(number)", registry)
      let oldest = max(0, number - 3)
      #expect(fed(registry, after: Revision(oldest))?.map(\.revision) == (oldest + 1...number).map { Revision($0) })
      if oldest > 0 { #expect(fed(registry, after: Revision(oldest - 1)) == nil) }
    }
    guard case .events(let piece) = registry.feed.events(after: 4, limit: 2) else { throw Failure() }
    #expect(piece.map(\.revision) == [5, 6])
    #expect(fed(registry, after: 7) == [] && fed(registry, after: 9) == [])
    #expect(try registry.recordedEvents(after: 2, limit: 2).map(\.revision) == [3, 4])
  }

  @Test func `An import larger than the feed leaves its end there`() throws {
    let registry = try Registry(store: store, feedCapacity: 4)
    _ = try registry.importKeys(imports(50), by: .sample, at: clock.now)
    #expect(fed(registry, after: 46)?.map(\.revision) == [47, 48, 49, 50])
    #expect(fed(registry, after: 45) == nil)
    #expect(try registry.recordedEvents(after: 0, limit: 1000).count == 50)
  }

  @Test func `What a commit that failed, or was refused, would have changed is not fed`() throws {
    let registry = try Registry(store: store)
    _ = try create("a", registry)
    store.failNextCommit(with: .unavailable("told to"))
    #expect(throws: DomainError.self) { try create("b", registry) }
    #expect(throws: DomainError.self) { try create("a", registry) }
    #expect(fed(registry, after: 0)?.count == 1)
  }

  @Test func `A registry that is loaded begins its feed where the store is`() throws {
    _ = try create("a", try Registry(store: store))
    let registry = try Registry(store: store)
    #expect(registry.feed.newest == 1 && fed(registry, after: 0) == nil)
    _ = try create("b", registry)
    #expect(fed(registry, after: 1)?.map(\.revision) == [2])
    #expect(try registry.recordedEvents(after: 0, limit: 9).map(\.revision) == [1, 2])
  }

  @Test func `A watch begins now or at any revision of the audit, and is told which there are`() throws {
    let old = StoredKey(key: .sample(1, revision: 5), digest: .sample(1), ordinal: 1)
    let store = FakeStore([old], mark: StoreMark(revision: 5, latestInstant: .noon))
    let registry = try Registry(store: store)
    _ = try create("a", registry)
    _ = try create("b", registry)
    #expect(try registry.watchStart(0) == 7)
    for start in 5...7 as ClosedRange<Revision> { #expect(try registry.watchStart(start) == start) }
    for start in [1, 4, 8, .max] as [Revision] {
      let error = #expect(throws: DomainError.self) { try registry.watchStart(start) }
      guard case .outOfRange(let text, oldest: 5, newest: 7)? = error else { throw Failure() }
      #expect(text.contains(start < 5 ? "is 5" : "is 7"))
    }
    let negative = #expect(throws: DomainError.self) { try registry.watchStart(-1) }
    guard case .invalid("start_revision", _)? = negative else { throw Failure() }
  }

  @Test func `An audit that misses a row, or cannot be read, is told as that and not passed over`() throws {
    let registry = try Registry(store: store)
    _ = try create("a", registry)
    #expect(throws: DomainError.self) { try registry.recordedEvents(after: 1, limit: 9) }
    store.failNextAudit(with: .unavailable("gone"))
    #expect(throws: DomainError.unavailable("gone")) { try registry.recordedEvents(after: 0, limit: 9) }
    store.loseAudit(of: 1)
    _ = try create("b", registry)
    let error = #expect(throws: DomainError.self) { try registry.recordedEvents(after: 0, limit: 9) }
    #expect(error?.message.contains("no whole row of the revision 1") == true)
  }

  private struct Failure: Error {}
}

/// What was seen, from whichever thread.
private final class Seen<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  var all: [Value] { values.withLock { $0 } }

  func add(_ value: Value) {
    values.withLock { $0.append(value) }
  }
}
