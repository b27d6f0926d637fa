import Dispatch
import KeywardCore
import KeywardWire
import Logging
import Synchronization
import TestSupport
import Testing

@testable import KeywardServer

/// The sweeper's timer, on a real writer over a store in memory, by a wall clock moved by hand.
@Suite struct SweeperTests {
  /// What the sweeper logs, each line as it comes.
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    private let came = DispatchSemaphore(value: 0)

    func add(_ line: String) {
      lines.withLock { $0.append(line) }
      came.signal()
    }

    /// The next line; nil if none comes in half a minute.
    func next() -> String? {
      guard came.wait(timeout: .now() + 30) == .success else { return nil }
      return lines.withLock { $0.removeFirst() }
    }
  }

  private struct LineHandler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.add("\(event.message)")
    }
  }

  private let store = FakeStore()
  private let wall = ManualClock()
  private let lines = Lines()
  private let registry: Registry
  private let writer: Writer
  private let sweeper: Sweeper

  init() throws {
    let wall = wall
    let clock = Clock(now: { wall.now }, monotonicNanoseconds: Clock.system.monotonicNanoseconds)
    registry = try Registry(store: store)
    writer = try Writer(registry: registry, clock: clock, names: UserNameCache(clock: clock), limit: 100)
    let lines = lines
    sweeper = Sweeper(
      registry: registry, writer: writer, importer: Importer(registry: registry, clock: clock, limits: Limits()),
      clock: clock, actor: .testSweeper, log: Logger(label: "test") { _ in LineHandler(lines: lines) },
      // No test takes as long, so what comes to pass does so for another reason.
      maxPause: 3_600_000_000_000)
  }

  private func make(_ action: ChangeRequest.Action) throws -> Outcome {
    let done = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Outcome, CallError>?>(nil)
    try writer.submit(ChangeRequest(action), for: .sample(), by: .never) { outcome, _ in
      result.withLock { $0 = outcome }
      done.signal()
    }
    try #require(done.wait(timeout: .now() + 30) == .success)
    return try #require(result.withLock { $0 }).get()
  }

  @Test func `A change that makes something matter earlier has the timer set anew`() throws {
    sweeper.start()
    // With nothing to come the next run is half a minute away; this one is due 20 ms after the change.
    let soon = Instant(microseconds: wall.now.microseconds + 20_000)
    _ = try make(.create(CreateKey(name: try KeyName("k"), permission: .chat, expireTime: soon)))
    #expect(lines.next() == "key soon-unavailable")
    wall.now = soon
    let id = try make(.create(CreateKey(name: try KeyName("other"), permission: .chat))).view.key.id
    #expect(lines.next() == "key expired")
    #expect(store.audit.map(\.type).filter { $0 == .expired } == [.expired])
    // Judged by a clock that is behind the store's latest instant, it is due at once all the same.
    wall.now = .noon
    _ = try make(.update(id, KeyUpdate(expiry: .at(soon.adding(seconds: 60)))))
    #expect(lines.next() == "key soon-unavailable")
    sweeper.stop()
  }

  @Test func `What is long due is recorded piece by piece, and changes go between`() throws {
    for number in 1...600 {
      _ = registry.commit(
        [
          Command(
            ChangeRequest(
              .create(
                CreateKey(name: try KeyName("k\(number)"), permission: .chat, expireTime: wall.now.adding(seconds: 5)))),
            by: .sample)
        ], at: wall.now)
    }
    wall.advance(seconds: 5)
    sweeper.start()
    for number in 1...5 { _ = try make(.create(CreateKey(name: try KeyName("new \(number)"), permission: .chat))) }
    for _ in 1...600 { #expect(lines.next() == "key expired") }
    sweeper.stop()
    #expect(store.audit.filter { $0.type == .expired }.count == 600)
  }

  @Test func `A store that fails is told of once, and not asked over and over`() throws {
    for _ in 0..<3 { store.failNextCommit(with: .unavailable("gone")) }
    let soon = wall.now.adding(seconds: 1)
    let request = CreateKey(name: try KeyName("k"), permission: .chat, expireTime: soon)
    for _ in 0..<3 { #expect(throws: CallError.self) { try make(.create(request)) } }
    _ = try make(.create(request))
    store.failNextCommit(with: .unavailable("gone"))
    sweeper.start()
    #expect(lines.next() == "sweep failed")
    let before = store.commitCount
    for number in 1...20 { _ = try make(.create(CreateKey(name: try KeyName("k\(number)"), permission: .chat))) }
    sweeper.stop()
    #expect(store.commitCount == before + 20)
    #expect(
      registry.sweep(at: wall.now, by: .testSweeper).events.map(\.type) == [.soonUnavailable], "it is due as before")
  }

  @Test func `Stopping writes the last uses`() throws {
    sweeper.start()
    let outcome = try make(.create(CreateKey(name: try KeyName("k"), permission: .chat)))
    let secret = try #require(outcome.secret)
    wall.advance(seconds: 3)
    #expect(registry.validate(secret.presented, for: .chat, at: wall.now)?.verdict == .valid)
    #expect(store.keys.first?.key.lastUsedTime == nil)
    sweeper.stop()
    #expect(store.keys.first?.key.lastUsedTime == wall.now)
    #expect(store.untidiedCount == 0)
  }
}
