import KeywardCore
import TestSupport
import Testing

/// Sweeping over a store that fails, last uses, and that nothing is judged by whether it has run.
@Suite struct SweepFailureTests {
  let clock = ManualClock()

  private func store(_ count: Int, expires: Int64 = 10) -> FakeStore {
    FakeStore(
      (1...count).map { number in
        StoredKey(
          key: .sample(number, expireTime: Instant.noon.adding(seconds: expires), revision: Revision(number)),
          digest: .sample(number), ordinal: Int64(number))
      }, mark: StoreMark(revision: Revision(count), latestInstant: .noon))
  }

  @Test("What a store does not take is not lost, and due again")
  func failingStore() throws {
    let store = store(10)
    let registry = try Registry(store: store)
    clock.advance(seconds: 10)
    for error in [StoreError.unavailable("gone"), .exhausted("full")] {
      store.failNextCommit(with: error)
      let sweep = registry.sweep(at: clock.now, by: .testSweeper, limit: 4)
      #expect(sweep.failure == DomainError(error) && sweep.events.isEmpty && !sweep.isComplete)
      #expect(store.audit.isEmpty)
    }
    var counts: [Int] = []
    while true {
      let sweep = registry.sweep(at: clock.now, by: .testSweeper, limit: 4)
      counts.append(sweep.events.count)
      if sweep.isComplete { break }
    }
    #expect(counts == [4, 4, 2])
    #expect(store.audit.map(\.type) == Array(repeating: .expired, count: 10))
    #expect(Set(store.audit.map(\.keyID)).count == 10)
  }

  @Test("Last use is shown at once, written in batches, kept through failures, and no validation commits")
  func lastUse() throws {
    let store = store(5, expires: 1000)
    let registry = try Registry(store: store)
    clock.advance(seconds: 1)
    for number in 1...5 {
      #expect(registry.validate(Secret.sample(number).presented, for: .chat, at: clock.now)?.verdict == .valid)
    }
    #expect(registry.validate(Secret.sample(1).presented, for: .secureMail, at: clock.now)?.verdict == .wrongPermission)
    #expect(store.commitCount == 0 && store.keys.allSatisfy { $0.key.lastUsedTime == nil })
    #expect(try registry.key(id: .sample(1), at: clock.now).key.lastUsedTime == clock.now)
    #expect(try registry.key(name: KeyName("sample-2"), at: clock.now).key.lastUsedTime == clock.now)
    let listed = try registry.list(ListQuery(), at: clock.now).keys
    #expect(listed.allSatisfy { $0.key.lastUsedTime == clock.now })

    store.failNextUse(with: .unavailable("gone"))
    #expect(throws: StoreError.unavailable("gone")) { try registry.flushUses(limit: 2) }
    #expect(try registry.flushUses(limit: 2))
    #expect(store.keys.filter { $0.key.lastUsedTime == clock.now }.count == 2)
    #expect(try !registry.flushUses(limit: 2))
    #expect(registry.hasUnwrittenUses, "what the store did not take waits for the next pass")
    #expect(try !registry.flushUses(limit: 2))
    #expect(!registry.hasUnwrittenUses)
    #expect(store.keys.allSatisfy { $0.key.lastUsedTime == clock.now })
    #expect(store.commitCount == 0)

    let first = clock.now
    clock.advance(seconds: -1)
    _ = registry.validate(Secret.sample(1).presented, for: .chat, at: clock.now)
    #expect(try !registry.flushUses())
    #expect(try registry.key(id: .sample(1), at: clock.now).key.lastUsedTime == first, "it never goes back")
  }

  @Test("No verdict, at any later instant, depends on whether the sweeper has run: random keys and instants")
  func sameVerdicts() throws {
    var generator = SampleGenerator(seed: 99)
    func time() -> Instant? {
      Bool.random(using: &generator) ? Instant.noon.adding(seconds: .random(in: 1...4_000_000, using: &generator)) : nil
    }
    for _ in 0..<60 {
      let keys = (1...20).map { number in
        StoredKey(
          key: .sample(
            number, enabled: .random(using: &generator), expireTime: time(), revokeTime: time(),
            revision: Revision(number)), digest: .sample(number), ordinal: Int64(number))
      }
      let mark = StoreMark(revision: 20, latestInstant: .noon)
      let swept = try Registry(store: FakeStore(keys, mark: mark))
      let unswept = try Registry(store: FakeStore(keys, mark: mark))
      var now = Instant.noon
      for _ in 0..<40 {
        now = now.adding(seconds: .random(in: 1...200_000, using: &generator))
        if Bool.random(using: &generator) {
          _ = swept.sweep(at: now, by: .testSweeper, limit: .random(in: 1...30, using: &generator))
          _ = try swept.flushUses()
          _ = try swept.forget(at: now)
        }
        for number in 1...20 {
          let secret = Secret.sample(number).presented
          let a = swept.validate(secret, for: .chat, at: now)
          let b = unswept.validate(secret, for: .chat, at: now)
          #expect(a?.verdict == b?.verdict && a?.subject?.validUntil == b?.subject?.validUntil)
          let (view, other) = (
            try swept.key(id: .sample(number), at: now), try unswept.key(id: .sample(number), at: now)
          )
          #expect(view.state == other.state && view.availability == other.availability)
        }
      }
    }
  }
}
