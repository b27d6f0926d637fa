import Dispatch
import KeywardCore
import TestSupport
import Testing

@testable import KeywardServer

/// Reserving uses among what else waits for the store.
@Suite struct ReserverTests {
  private let store: FakeStore
  private let registry: Registry
  private let writer: Writer
  private let reserver: Reserver

  init() throws {
    let keys = try (1...10).map { number in
      StoredKey(
        key: .sample(number, revision: Revision(number), useLimit: try UseLimit(total: 20)),
        digest: .sample(number), ordinal: Int64(number))
    }
    store = FakeStore(keys, mark: StoreMark(revision: 10, latestInstant: .noon))
    let clock = Clock(now: { .noon }, monotonicNanoseconds: Clock.system.monotonicNanoseconds)
    registry = try Registry(store: store)
    writer = Writer(registry: registry, clock: clock, names: UserNameCache(clock: clock), limit: 100)
    reserver = Reserver(registry: registry, writer: writer, clock: clock, limit: 2)
  }

  /// Returns once something holds: it is looked at in each of many turns of the writer.
  private func wait(until holds: @escaping @Sendable (FakeStore) -> Bool) throws {
    for _ in 0..<1000 {
      let done = DispatchSemaphore(value: 0)
      writer.perform { done.signal() }
      try #require(done.wait(timeout: .now() + 30) == .success)
      if holds(store) { return }
    }
    Issue.record("it never came to pass")
  }

  @Test func `What there is to reserve is reserved before anybody is served`() throws {
    reserver.start()
    #expect(store.reserveCount == 5 && store.reservations.count == 10)
  }

  @Test func `Batches are reserved one a turn of the writer, and others go between`() throws {
    // The writer is held up until all this waits.
    let hold = DispatchSemaphore(value: 0)
    writer.perform { hold.wait() }
    reserver.goOn()
    let counts = (1...6).map { _ in ManualClock(.epoch) }
    for count in counts { writer.perform { [store] in count.advance(seconds: Int64(store.reserveCount)) } }
    hold.signal()
    try wait { $0.reserveCount == 5 }
    #expect(counts.map { $0.now.seconds } == [1, 1, 1, 1, 1, 1])
    #expect(store.reservations.count == 10)
  }

  @Test func `Keys that run low are reserved for without being asked again`() throws {
    reserver.start()
    for number in 1...10 {
      for _ in 1...2 {
        let verdict = registry.validate(Secret.sample(number).presented, for: .chat, at: .noon).verdict
        #expect(verdict == .valid)
      }
    }
    try wait { $0.reservations.allSatisfy { $0.count > 2 } }
  }
}
