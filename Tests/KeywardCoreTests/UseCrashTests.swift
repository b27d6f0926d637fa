import KeywardCore
import TestSupport
import Testing

/// What becomes of totals of uses when a daemon ends, in peace or not, and when its store fails.
@Suite struct UseCrashTests: UsesKeys {
  let store = FakeStore()
  let clock = ManualClock()

  @Test(
    "After a crash at any use no use is granted twice, and at most a block is lost",
    arguments: [1, 7, 10, 11, 100, 1000])
  func crash(_ total: Int64) throws {
    // A key with a block of one loses none.
    let block: Int64 = total <= 10 ? 0 : total == 11 ? 2 : 10
    for crashes in stride(from: Int64(0), through: total, by: max(1, Int(total / 20))) {
      let store = FakeStore()
      var registry = try Registry(store: store)
      let (_, secret) = try make(registry, total)
      var granted: Int64 = 0
      while granted < crashes, try use(registry, secret).verdict == .valid {
        granted += 1
        registry.reserveUses(at: clock.now)
      }
      registry = try Registry(store: store)
      granted += try useUp(registry, secret)
      #expect(granted <= total && granted >= total - block, "\(crashes) of \(total)")
    }
  }

  @Test("A crash loses no use of a key that was not used, or not in the period", arguments: UseLimit.Refill.allCases)
  func crashUnused(_ refill: UseLimit.Refill) throws {
    var registry = try Registry(store: store)
    let one = try make(registry, 1, refill, name: "one").secret
    let many = try make(registry, 1000, refill, name: "many").secret
    registry.reserveUses(at: clock.now)
    registry = try Registry(store: store)
    #expect(try useUp(registry, one) == 1 && useUp(registry, many) == 1000)
    guard refill != .never else { return }
    registry.reserveUses(at: clock.now)
    clock.now = clock.now.adding(months: 1)
    registry = try Registry(store: store)
    #expect(try useUp(registry, one) == 1 && useUp(registry, many) == 1000)
  }

  @Test("A use whose reservation was durable and not answered counts as used after a crash")
  func crashInCall() throws {
    var registry = try Registry(store: store)
    let (_, secret) = try make(registry, 2)
    _ = try registry.reserve(for: [[Question(secret: secret.presented, permission: .chat)]], at: clock.now)
    registry = try Registry(store: store)
    #expect(try useUp(registry, secret) == 1)
  }

  @Test("After a crash in a later period nothing of it is granted twice", arguments: [UseLimit.Refill.daily, .monthly])
  func crashInLaterPeriod(_ refill: UseLimit.Refill) throws {
    var registry = try Registry(store: store)
    let (_, secret) = try make(registry, 100, refill)
    #expect(try use(registry, secret).verdict == .valid)
    clock.now = clock.now.adding(months: 1)
    for _ in 1...10 { #expect(try use(registry, secret).verdict == .valid) }
    #expect(ask(registry, secret) == nil)
    registry = try Registry(store: store)
    #expect(try useUp(registry, secret) == 90)
    clock.now = clock.now.adding(months: 1)
    #expect(try useUp(registry, secret) == 100)
  }

  @Test("What an earlier keyward reserved for later periods counts as used in the first of them")
  func olderReservation() throws {
    let key = Key.sample(useLimit: try UseLimit(total: 100, refill: .daily))
    let today = clock.now.seconds / 86400
    for day in 0...2 as ClosedRange<Int64> {
      let store = FakeStore([StoredKey(key: key, digest: .sample(1), ordinal: 1)])
      try store.reserve([UseReservation(key: key.id, refill: .daily, period: today, count: 30, ahead: 10)])
      let registry = try Registry(store: store)
      clock.now = .noon.adding(seconds: day * 86400)
      #expect(try useUp(registry, .sample(1)) == (day == 0 ? 70 : 90))
      clock.advance(seconds: 86400)
      #expect(try useUp(registry, .sample(1)) == (day == 0 ? 90 : 100))
      clock.advance(seconds: 86400)
      #expect(try useUp(registry, .sample(1)) == 100)
    }
  }

  @Test("After a clean end nothing is lost, in its period and in later ones, and what is known is not written")
  func cleanEnd() throws {
    var registry = try Registry(store: store)
    let (_, secret) = try make(registry, 1000, .daily)
    _ = try make(registry, 1000, .daily, name: "unused")
    for _ in 1...3 { #expect(try use(registry, secret).verdict == .valid) }
    try registry.settleUses()
    #expect(store.reservations.map(\.count) == [3])
    #expect(store.untidiedCount == 0)
    #expect(ask(registry, secret) == nil)
    registry = try Registry(store: store)
    #expect(try useUp(registry, secret) == 997)
    try registry.settleUses()
    clock.advance(seconds: 86400)
    registry = try Registry(store: store)
    #expect(try useUp(registry, secret) == 1000)
  }

  @Test("A clean end that takes too long leaves the rest as after a crash, which grants nothing twice")
  func hurriedEnd() throws {
    var registry = try Registry(store: store)
    let secrets = try (1...5).map { try make(registry, 100, name: "k\($0)").secret }
    for secret in secrets { for _ in 1...3 { #expect(try use(registry, secret).verdict == .valid) } }
    let before = store.reserveCount
    try registry.settleUses(limit: 2) { store.reserveCount < before + 2 }
    #expect(store.reserveCount == before + 2)
    registry = try Registry(store: store)
    let left = try secrets.map { try useUp(registry, $0) }
    #expect(left.sorted() == [90, 97, 97, 97, 97])
  }

  @Test("A store that cannot reserve grants nothing, and only those that wait ask it again")
  func failing() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let (_, secret) = try make(registry, 100)
    store.failNextCommit(with: .exhausted("full"))
    #expect(throws: StoreError.exhausted("full")) { try use(registry, secret) }
    for _ in 1...5 { #expect(try use(registry, secret).verdict == .valid) }
    #expect(calls.now.seconds == 1)
    store.failNextCommit(with: .exhausted("full"))
    #expect(!registry.reserveUses(at: clock.now))
    for _ in 6...10 { #expect(ask(registry, secret)?.verdict == .valid) }
    #expect(calls.now.seconds == 1)
    store.failNextCommit(with: .exhausted("full"))
    #expect(throws: StoreError.exhausted("full")) { try use(registry, secret) }
    for _ in 11...15 { #expect(try use(registry, secret).verdict == .valid) }
    #expect(calls.now.seconds == 2)
    #expect(try useUp(registry, secret) == 85)
  }
}
