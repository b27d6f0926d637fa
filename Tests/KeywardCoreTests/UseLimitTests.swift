import KeywardCore
import TestSupport
import Testing

/// Totals of uses, by a clock moved by hand, over a store that counts what it is asked.
@Suite struct UseLimitTests {
  let store = FakeStore()
  let clock = ManualClock()

  private func make(
    _ registry: Registry, _ total: Int64, _ refill: UseLimit.Refill = .never, rate: RateLimit? = nil,
    name: String = "k"
  ) throws -> (id: KeyID, secret: Secret) {
    let request = CreateKey(
      name: try KeyName(name), permission: .chat, rateLimit: rate, useLimit: try UseLimit(total: total, refill: refill))
    let outcome = try #require(registry.commit([.create(request, by: .sample)], at: clock.now).first).get()
    return (outcome.view.key.id, try #require(outcome.secret))
  }

  private func use(_ registry: Registry, _ secret: Secret) -> Validation {
    registry.validate(secret.presented, for: .chat, at: clock.now)
  }

  /// Uses a key until its total is used up, and reserves as the writer would.
  private func useUp(_ registry: Registry, _ secret: Secret) throws -> Int {
    var granted = 0
    while true {
      switch use(registry, secret).verdict {
      case .valid: granted += 1
      case .rateLimited: try registry.reserveUses(at: clock.now)
      default: return granted
      }
    }
  }

  private func update(_ registry: Registry, _ id: KeyID, _ update: KeyUpdate) throws {
    let command = Command(ChangeRequest(.update(id, update)), by: .sample)
    _ = try #require(registry.commit([command], at: clock.now).first).get()
  }

  @Test(
    "A key is good as many times as its total says, from the first use on", arguments: [1, 2, 9, 100, 1000, 30_000])
  func total(_ total: Int64) throws {
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, total)
    #expect(use(registry, secret).verdict == .valid)
    #expect(try useUp(registry, secret) == total - 1)
    let refused = use(registry, secret)
    #expect(refused.verdict == .usageExceeded && refused.retryTime == nil && refused.subject?.validUntil == nil)
  }

  @Test("A validation never writes; what is reserved is asked for once, before it is used up")
  func noWrites() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let (_, secret) = try make(registry, 10_000)
    let (commits, reserves) = (store.commitCount, store.reserveCount)
    #expect(reserves == 1)
    for _ in 1...49 { #expect(use(registry, secret).verdict == .valid) }
    #expect(calls.now.seconds == 0)
    for _ in 50...100 { #expect(use(registry, secret).verdict == .valid) }
    #expect(calls.now.seconds == 1)
    let late = use(registry, secret)
    #expect(late.verdict == .rateLimited && late.retryTime == Instant(microseconds: clock.now.microseconds + 5000))
    #expect((store.commitCount, store.reserveCount) == (commits, reserves))
    try registry.reserveUses(at: clock.now)
    #expect(store.reserveCount == reserves + 1)
    for _ in 1...100 { #expect(use(registry, secret).verdict == .valid) }
    #expect(calls.now.seconds == 2)
  }

  @Test("Keys without limits are valid until they change, and ask for nothing")
  func unlimited() throws {
    let registry = try Registry(store: store)
    let request = CreateKey(name: try KeyName("k"), permission: .chat)
    let secret = try #require(registry.commit([.create(request, by: .sample)], at: clock.now).first?.get().secret)
    for _ in 1...1000 {
      let validation = use(registry, secret)
      #expect(validation.verdict == .valid && validation.subject?.validUntil == nil)
    }
    #expect(store.commitCount == 1 && store.reserveCount == 0)
  }

  @Test("States come before the total, the total before the rate, and a refusal takes no use")
  func order() throws {
    let registry = try Registry(store: store)
    let (id, secret) = try make(registry, 2, rate: try RateLimit(count: 1, periodSeconds: 60))
    #expect(use(registry, secret).verdict == .valid)
    for _ in 1...5 { #expect(use(registry, secret).verdict == .rateLimited) }
    try update(registry, id, KeyUpdate(enabled: false))
    #expect(use(registry, secret).verdict == .disabled)
    try update(registry, id, KeyUpdate(enabled: true))
    clock.advance(seconds: 60)
    #expect(use(registry, secret).verdict == .valid)
    #expect(use(registry, secret).verdict == .usageExceeded)
  }

  @Test(
    "A count starts anew with the day or the month, UTC",
    arguments: [
      ("2027-01-31T23:59:59.999999Z", UseLimit.Refill.monthly, "2027-02-01T00:00:00Z"),
      ("2028-02-28T12:00:00Z", .monthly, "2028-03-01T00:00:00Z"),
      ("2027-12-31T23:00:00Z", .monthly, "2028-01-01T00:00:00Z"),
      ("2028-02-28T12:00:00Z", .daily, "2028-02-29T00:00:00Z"),
      ("2027-12-31T00:00:00Z", .daily, "2028-01-01T00:00:00Z"),
    ])
  func refill(_ start: String, _ refill: UseLimit.Refill, _ end: String) throws {
    let end = try #require(Instant(rfc3339: end))
    clock.now = try #require(Instant(rfc3339: start))
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, 5, refill)
    #expect(try useUp(registry, secret) == 5)
    #expect(use(registry, secret).retryTime == end && use(registry, secret).subject?.validUntil == end)
    clock.now = Instant(microseconds: end.microseconds - 1)
    #expect(use(registry, secret).verdict == .usageExceeded)
    clock.now = end
    // The first use of a period waits for no store.
    #expect(use(registry, secret).verdict == .valid)
    #expect(try useUp(registry, secret) == 4)
    clock.now = Instant(microseconds: end.microseconds - 1)
    #expect(use(registry, secret).verdict == .usageExceeded)
    clock.now = end.adding(months: 2)
    #expect(try useUp(registry, secret) == 5)
  }

  @Test("After a crash at any use no use is granted twice, and at most a block is lost", arguments: [1, 7, 100, 1000])
  func crash(_ total: Int64) throws {
    let block = total == 1000 || total == 100 ? 10 : 1
    for crashes in stride(from: Int64(0), through: total, by: max(1, Int(total / 20))) {
      let store = FakeStore()
      var registry = try Registry(store: store)
      let (_, secret) = try make(registry, total)
      var granted: Int64 = 0
      while granted < crashes, use(registry, secret).verdict != .usageExceeded {
        granted += 1
        try registry.reserveUses(at: clock.now)
      }
      registry = try Registry(store: store)
      try registry.reserveUses(at: clock.now)
      granted += Int64(try useUp(registry, secret))
      #expect(granted <= total && granted >= total - Int64(block), "\(crashes) of \(total)")
    }
  }

  @Test("After a crash in a later period nothing of it is granted twice", arguments: [UseLimit.Refill.daily, .monthly])
  func crashInLaterPeriod(_ refill: UseLimit.Refill) throws {
    var registry = try Registry(store: store)
    let (_, secret) = try make(registry, 100, refill)
    clock.now = clock.now.adding(months: 1)
    for _ in 1...10 { #expect(use(registry, secret).verdict == .valid) }
    #expect(use(registry, secret).verdict == .rateLimited)
    registry = try Registry(store: store)
    try registry.reserveUses(at: clock.now)
    #expect(try useUp(registry, secret) == 90)
    clock.now = clock.now.adding(months: 1)
    #expect(try useUp(registry, secret) == 100)
  }

  @Test("After a clean end nothing is lost, in its period and in later ones")
  func cleanEnd() throws {
    var registry = try Registry(store: store)
    let (_, secret) = try make(registry, 1000, .daily)
    for _ in 1...3 { #expect(use(registry, secret).verdict == .valid) }
    try registry.settleUses()
    #expect(use(registry, secret).verdict == .rateLimited)
    registry = try Registry(store: store)
    try registry.reserveUses(at: clock.now)
    #expect(try useUp(registry, secret) == 997)
    try registry.settleUses()
    clock.advance(seconds: 86400)
    registry = try Registry(store: store)
    try registry.reserveUses(at: clock.now)
    #expect(try useUp(registry, secret) == 1000)
  }

  @Test("A clean end that takes too long leaves the rest as after a crash, which grants nothing twice")
  func hurriedEnd() throws {
    var registry = try Registry(store: store)
    let secrets = try (1...5).map { try make(registry, 100, name: "k\($0)").secret }
    for secret in secrets { for _ in 1...3 { #expect(use(registry, secret).verdict == .valid) } }
    let before = store.reserveCount
    try registry.settleUses(limit: 2) { store.reserveCount < before + 2 }
    #expect(store.reserveCount == before + 2)
    registry = try Registry(store: store)
    try registry.reserveUses(at: clock.now)
    let left = try secrets.map { try useUp(registry, $0) }
    #expect(left.sorted() == [90, 97, 97, 97, 97])
  }

  @Test("A store that cannot reserve grants nothing more, and is asked again by the sweep, not by validations")
  func failing() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let (_, secret) = try make(registry, 2)
    #expect(use(registry, secret).verdict == .valid)
    store.failNextCommit(with: .exhausted("full"))
    #expect(throws: StoreError.self) { try registry.reserveUses(at: clock.now) }
    for _ in 1...5 { #expect(use(registry, secret).verdict == .rateLimited) }
    #expect(calls.now.seconds == 1)
    try registry.reserveUses(at: clock.now)
    #expect(use(registry, secret).verdict == .valid)
    #expect(use(registry, secret).verdict == .usageExceeded)
  }

  @Test("Uses are reserved for so many keys at a time as is said, those that have waited longest first")
  func batches() throws {
    let keys = try (1...10).map { number in
      StoredKey(
        key: .sample(number, revision: Revision(number), useLimit: try UseLimit(total: 100)),
        digest: .sample(number), ordinal: Int64(number))
    }
    let store = FakeStore(keys, mark: StoreMark(revision: 10, latestInstant: .noon))
    let registry = try Registry(store: store)
    #expect(try registry.reserveUses(at: clock.now, limit: 4))
    #expect(store.reserveCount == 1)
    #expect(store.reservations.map(\.key) == (1...4).map { .sample($0) })
    // What comes to wait meanwhile does not come before those that wait.
    for _ in 1...10 { #expect(use(registry, .sample(1)).verdict == .valid) }
    #expect(try registry.reserveUses(at: clock.now, limit: 4))
    store.failNextCommit(with: .exhausted("full"))
    #expect(throws: StoreError.self) { try registry.reserveUses(at: clock.now, limit: 4) }
    #expect(try !registry.reserveUses(at: clock.now, limit: 4))
    #expect(Set(store.reservations.map(\.key)) == Set((1...10).map { .sample($0) }))
    #expect(try !registry.reserveUses(at: clock.now, limit: 4))
    #expect(store.reserveCount == 4)
  }

  @Test("A commit that gives very many keys a total reserves one batch of uses, and calls for the rest once")
  func commitCalls() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let limit = try UseLimit(total: 100)
    let commands = try (1...1001).map { number in
      let request = CreateKey(name: try KeyName("k\(number)"), permission: .chat, useLimit: limit)
      return Command.create(request, by: .sample)
    }
    for result in registry.commit(commands, at: clock.now) { _ = try result.get() }
    #expect(store.reserveCount == 1 && store.reservations.count == 1000)
    #expect(calls.now.seconds == 1)
    #expect(try !registry.reserveUses(at: clock.now))
    #expect(store.reservations.count == 1001)
  }

  @Test("A total that is changed goes on from what was used; another refill starts anew, and so does none and then one")
  func change() throws {
    var registry = try Registry(store: store)
    let (id, secret) = try make(registry, 5)
    #expect(try useUp(registry, secret) == 5)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 7))))
    #expect(try useUp(registry, secret) == 2)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 3))))
    #expect(use(registry, secret).verdict == .usageExceeded)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 3, refill: .daily))))
    #expect(try useUp(registry, secret) == 3)
    try update(registry, id, KeyUpdate(useLimit: .lifted))
    #expect(store.reservations.isEmpty)
    for _ in 1...50 { #expect(use(registry, secret).verdict == .valid) }
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 4))))
    registry = try Registry(store: store)
    try registry.reserveUses(at: clock.now)
    #expect(try useUp(registry, secret) == 3)
  }

  @Test("A copy has the limits and uses of its own; a rotated key goes on")
  func copyAndRotate() throws {
    let registry = try Registry(store: store)
    let rate = try RateLimit(count: 1000, periodSeconds: 1)
    let (id, secret) = try make(registry, 3, rate: rate)
    #expect(use(registry, secret).verdict == .valid)
    let actions: [ChangeRequest.Action] = [.copy(id, CopyKey()), .rotate(id, try RotateKey(graceSeconds: 0))]
    let outcomes = try registry.commit(actions.map { Command(ChangeRequest($0), by: .sample) }, at: clock.now).map {
      try $0.get()
    }
    #expect(outcomes[0].view.key.useLimit?.total == 3 && outcomes[0].view.key.rateLimit == rate)
    #expect(try useUp(registry, try #require(outcomes[0].secret)) == 3)
    #expect(try useUp(registry, try #require(outcomes[1].secret)) == 2)
  }
}
