import Dispatch
import KeywardCore
import TestSupport
import Testing

@testable import KeywardServer

/// Reserving uses before they are needed, among what else waits for the store.
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
    writer = try Writer(registry: registry, clock: clock, names: UserNameCache(clock: clock), limit: 100)
    reserver = Reserver(registry: registry, writer: writer, clock: clock, limit: 2)
    reserver.start()
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

  @Test func `Batches are reserved one a turn of the writer, unasked, and others go between`() throws {
    // The writer is held up until all this waits.
    let hold = DispatchSemaphore(value: 0)
    writer.perform { hold.wait() }
    for number in 1...10 { #expect(try registry.use(.sample(number), at: .noon).verdict == .valid) }
    #expect(store.reserveCount == 10)
    let counts = (1...6).map { _ in ManualClock(.epoch) }
    for count in counts { writer.perform { [store] in count.advance(seconds: Int64(store.reserveCount)) } }
    hold.signal()
    try wait { $0.reserveCount == 15 }
    #expect(counts.map { $0.now.seconds } == [11, 11, 11, 11, 11, 11])
    #expect(store.reservations.allSatisfy { $0.count == 3 })
  }

  @Test func `A store that fails is asked once for each batch, and again for those that wait`() throws {
    for _ in 1...5 { store.failNextCommit(with: .exhausted("full")) }
    let hold = DispatchSemaphore(value: 0)
    writer.perform { hold.wait() }
    // The first of two reservations fails, of each key.
    for number in 1...5 { #expect(throws: StoreError.self) { try registry.use(.sample(number), at: .noon) } }
    for number in 1...10 { #expect(try registry.use(.sample(number), at: .noon).verdict == .valid) }
    for _ in 1...5 { store.failNextCommit(with: .exhausted("full")) }
    hold.signal()
    try wait { $0.reserveCount == 20 }
    for number in 1...10 { #expect(try registry.use(.sample(number), at: .noon).verdict == .valid) }
    #expect(store.reserveCount == 20)
    for number in 1...10 { #expect(try registry.use(.sample(number), at: .noon).verdict == .valid) }
    try wait { store in store.reservations.allSatisfy { $0.count == 5 } }
  }
}
