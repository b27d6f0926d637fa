import KeywardCore
import TestSupport
import Testing

/// Totals of uses, by a clock moved by hand, over a store that counts what it is asked.
@Suite struct UseLimitTests: UsesKeys {
  let store = FakeStore()
  let clock = ManualClock()

  @Test("A key is good as many times as its total says", arguments: [1, 2, 3, 5, 9, 10, 11, 50, 100, 1000, 30_000])
  func total(_ total: Int64) throws {
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, total)
    #expect(try useUp(registry, secret) == total)
    let refused = try use(registry, secret)
    #expect(refused.verdict == .usageExceeded && refused.retryTime == nil && refused.subject?.validUntil == nil)
  }

  @Test("Only a use that the store has not reserved waits, and the next block is asked for once, before it is needed")
  func waits() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let (_, secret) = try make(registry, 10_000)
    #expect(ask(registry, secret) == nil && store.reserveCount == 0)
    #expect(try use(registry, secret).verdict == .valid)
    #expect(store.reserveCount == 1 && store.reservations.map(\.count) == [100])
    for _ in 2...49 { #expect(ask(registry, secret)?.verdict == .valid) }
    #expect(calls.now.seconds == 0)
    for _ in 50...100 { #expect(ask(registry, secret)?.verdict == .valid) }
    #expect(calls.now.seconds == 1)
    #expect(ask(registry, secret) == nil && store.reserveCount == 1)
    registry.reserveUses(at: clock.now)
    #expect(store.reserveCount == 2)
    for _ in 1...100 { #expect(ask(registry, secret)?.verdict == .valid) }
    #expect(calls.now.seconds == 2)
  }

  @Test("Uses of several keys that wait are reserved together, and nobody comes between them and what is reserved")
  func shared() throws {
    let registry = try Registry(store: store)
    let first = try make(registry, 7, name: "first").secret
    let second = try make(registry, 2, name: "second").secret
    func call(_ secret: Secret) -> [Question] { [Question(secret: secret.presented, permission: .chat)] }
    let waiting = [first, first, second, first, second, second].map { call($0) }
    let reservations = try registry.reserve(for: waiting, at: clock.now)
    #expect(store.reserveCount == 1 && Set(store.reservations.map(\.count)) == [3, 2])
    #expect(ask(registry, first) == nil, "what is reserved is for those that wait")
    let verdicts = registry.judge(waiting, with: reservations, at: clock.now).map { $0?.first?.verdict }
    #expect(verdicts == [.valid, .valid, .valid, .valid, .valid, .usageExceeded])
    #expect(ask(registry, first) == nil)
    #expect(try useUp(registry, first) == 4)
  }

  @Test("What others use of a block meanwhile is reserved anew for those that wait")
  func meanwhile() throws {
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, 100)
    for _ in 1...7 { #expect(try use(registry, secret).verdict == .valid) }
    // Three are left of the block.
    let batch = Array(repeating: Question(secret: secret.presented, permission: .chat), count: 20)
    #expect(try registry.validate(batch, at: clock.now) == nil)
    let reservations = try registry.reserve(for: [batch], at: clock.now)
    for _ in 1...3 { #expect(ask(registry, secret)?.verdict == .valid) }
    let results = try #require(registry.judge([batch], with: reservations, at: clock.now)[0])
    #expect(results.map(\.verdict) == Array(repeating: .valid, count: 20))
    #expect(try useUp(registry, secret) == 70)
  }

  @Test("A batch decides the entries of one key in order; where one has to wait, none is used")
  func batch() throws {
    let registry = try Registry(store: store)
    let ten = try make(registry, 10, name: "ten").secret
    let slow = try make(registry, 50, rate: try RateLimit(count: 2, periodSeconds: 60), name: "slow").secret
    func questions(_ secrets: [Secret]) -> [Question] {
      secrets.map { Question(secret: $0.presented, permission: .chat) }
    }
    #expect(
      try registry.use(questions([slow, slow, slow]), at: clock.now).map(\.verdict) == [.valid, .valid, .rateLimited])
    clock.advance(seconds: 30)
    // The slow key's use is at hand and the other's is not.
    let mixed = questions([slow, ten, slow, .sample(9), .text("kw_chat_typo")])
    for _ in 1...3 { #expect(try registry.validate(mixed, at: clock.now) == nil) }
    let verdicts = try registry.use(mixed, at: clock.now).map(\.verdict)
    #expect(verdicts == [.valid, .valid, .rateLimited, .notFound, .malformed])
    let rest = try registry.use(questions(Array(repeating: ten, count: 12)), at: clock.now).map(\.verdict)
    #expect(rest == Array(repeating: .valid, count: 9) + Array(repeating: .usageExceeded, count: 3))
  }

  @Test("A question about a later instant uses nothing in a batch, and one about a past instant has nothing used")
  func batchAsOf() throws {
    let registry = try Registry(store: store)
    let (id, secret) = try make(registry, 2)
    let now = Question(secret: secret.presented, permission: .chat)
    let later = Question(secret: secret.presented, permission: .chat, asOf: clock.now.adding(seconds: 60))
    #expect(try registry.use([later, now, later], at: clock.now).map(\.verdict) == [.valid, .valid, .valid])
    let past = Question(secret: secret.presented, permission: .chat, asOf: .epoch)
    #expect(throws: DomainError.self) { try registry.validate([now, past], at: clock.now) }
    #expect(try registry.key(id: id, at: clock.now).usage?.remaining == 1)
  }

  @Test("Keys without limits are valid until they change, and ask for nothing")
  func unlimited() throws {
    let registry = try Registry(store: store)
    let request = CreateKey(name: try KeyName("k"), permission: .chat)
    let secret = try #require(registry.commit([.create(request, by: .sample)], at: clock.now).first?.get().secret)
    for _ in 1...1000 {
      let validation = ask(registry, secret)
      #expect(validation?.verdict == .valid && validation?.subject?.validUntil == nil)
    }
    #expect(store.commitCount == 1 && store.reserveCount == 0)
  }

  @Test("States come before the total, the total before the rate, and a refusal or a wait takes no use")
  func order() throws {
    let registry = try Registry(store: store)
    let (id, secret) = try make(registry, 2, rate: try RateLimit(count: 1, periodSeconds: 60))
    for _ in 1...5 { #expect(ask(registry, secret) == nil) }
    #expect(try use(registry, secret).verdict == .valid)
    for _ in 1...5 { #expect(ask(registry, secret)?.verdict == .rateLimited, "which no store could help") }
    try update(registry, id, KeyUpdate(enabled: false))
    #expect(ask(registry, secret)?.verdict == .disabled)
    try update(registry, id, KeyUpdate(enabled: true))
    clock.advance(seconds: 60)
    #expect(ask(registry, secret) == nil)
    #expect(try use(registry, secret).verdict == .valid)
    #expect(ask(registry, secret)?.verdict == .usageExceeded)
  }

  @Test("The rate's refusals have nothing reserved")
  func rateReserves() throws {
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, 1000, rate: try RateLimit(count: 3, periodSeconds: 60))
    let batch = Array(repeating: Question(secret: secret.presented, permission: .chat), count: 90)
    #expect(try registry.use(batch, at: clock.now).filter { $0.verdict == .valid }.count == 3)
    #expect(store.reservations.map(\.count) == [10])
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
    let refused = try use(registry, secret)
    #expect(refused.retryTime == end && refused.subject?.validUntil == end)
    clock.now = Instant(microseconds: end.microseconds - 1)
    #expect(ask(registry, secret)?.verdict == .usageExceeded)
    clock.now = end
    #expect(ask(registry, secret) == nil, "the first use of a period waits")
    #expect(try useUp(registry, secret) == 5)
    clock.now = Instant(microseconds: end.microseconds - 1)
    #expect(ask(registry, secret)?.verdict == .usageExceeded)
    clock.now = end.adding(months: 2)
    #expect(try useUp(registry, secret) == 5)
  }

  @Test("Blocks are reserved for so many keys at a time as is said, those that have waited longest first")
  func batches() throws {
    let keys = try (1...10).map { number in
      StoredKey(
        key: .sample(number, revision: Revision(number), useLimit: try UseLimit(total: 100)),
        digest: .sample(number), ordinal: Int64(number))
    }
    let store = FakeStore(keys, mark: StoreMark(revision: 10, latestInstant: .noon))
    let registry = try Registry(store: store)
    func useHalf(_ number: Int) throws {
      for _ in 1...5 { #expect(try use(registry, .sample(number)).verdict == .valid) }
    }
    for number in 1...10 { try useHalf(number) }
    func reserved() -> [KeyID] { store.reservations.filter { $0.count > 10 }.map(\.key) }
    #expect(registry.reserveUses(at: clock.now, limit: 4))
    #expect(store.reserveCount == 11)
    #expect(reserved() == (1...4).map { .sample($0) })
    // What comes to wait meanwhile does not come before those that wait.
    try useHalf(1)
    #expect(registry.reserveUses(at: clock.now, limit: 4))
    #expect(Set(reserved()) == Set((1...8).map { .sample($0) }))
    store.failNextCommit(with: .exhausted("full"))
    #expect(!registry.reserveUses(at: clock.now, limit: 4))
    #expect(!registry.reserveUses(at: clock.now, limit: 4))
    #expect(store.reserveCount == 13)
  }

  @Test("Giving a key a total has nothing reserved")
  func noReservation() throws {
    let registry = try Registry(store: store)
    let calls = ManualClock(.epoch)
    registry.whenUsesRunLow { calls.advance(seconds: 1) }
    let (id, _) = try make(registry, 100)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 7, refill: .daily))))
    registry.reserveUses(at: clock.now)
    #expect(store.reserveCount == 0 && calls.now.seconds == 0)
  }

  @Test("A block that is asked for before midnight is not reserved after it")
  func overMidnight() throws {
    let registry = try Registry(store: store)
    let (_, secret) = try make(registry, 100, .daily)
    for _ in 1...5 { #expect(try use(registry, secret).verdict == .valid) }
    let before = store.reservations
    clock.advance(seconds: 86400)
    registry.reserveUses(at: clock.now)
    #expect(store.reservations == before)
    #expect(ask(registry, secret) == nil)
    #expect(try useUp(registry, secret) == 100)
  }

  @Test("What is left is told of a key with a total, wherever the key is")
  func usage() throws {
    var registry = try Registry(store: store)
    let midnight = try #require(Instant(rfc3339: "2027-02-01T00:00:00Z"))
    clock.now = midnight.adding(seconds: -3600)
    let (id, secret) = try make(registry, 20, .monthly)
    func usage(_ registry: Registry) throws -> Usage? { try registry.key(id: id, at: clock.now).usage }
    #expect(try usage(registry) == Usage(remaining: 20, refillTime: midnight))
    for _ in 1...3 { #expect(try use(registry, secret).verdict == .valid) }
    #expect(try usage(registry) == Usage(remaining: 17, refillTime: midnight))
    #expect(try registry.key(name: KeyName("k"), at: clock.now).usage == Usage(remaining: 17, refillTime: midnight))
    _ = try registry.commit(
      [.create(CreateKey(name: KeyName("unlimited"), permission: .chat), by: .sample)], at: clock.now)
    let listed = try registry.list(ListQuery(), at: clock.now).keys.map(\.usage)
    #expect(listed == [Usage(remaining: 17, refillTime: midnight), nil])
    let later = try registry.list(ListQuery(asOf: midnight), at: clock.now).keys[0].usage
    #expect(later == Usage(remaining: 20, refillTime: midnight.adding(months: 1)))
    let update = ChangeRequest(.update(id, KeyUpdate(useLimit: .of(try UseLimit(total: 2, refill: .monthly)))))
    let outcome = try #require(registry.commit([Command(update, by: .sample)], at: clock.now).first).get()
    #expect(outcome.view.usage == Usage(remaining: 0, refillTime: midnight))
    clock.now = midnight
    #expect(try usage(registry) == Usage(remaining: 2, refillTime: midnight.adding(months: 1)))
    clock.now = midnight.adding(seconds: -1)
    // What a crash lost is not left.
    registry = try Registry(store: store)
    try self.update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 20, refill: .monthly))))
    #expect(try usage(registry)?.remaining == 16)
  }

  @Test("A total that is changed goes on from what was used; another refill starts anew, and so does none and then one")
  func change() throws {
    var registry = try Registry(store: store)
    let (id, secret) = try make(registry, 5)
    #expect(try useUp(registry, secret) == 5)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 7))))
    #expect(try useUp(registry, secret) == 2)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 3))))
    #expect(ask(registry, secret)?.verdict == .usageExceeded)
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 3, refill: .daily))))
    #expect(try useUp(registry, secret) == 3)
    try update(registry, id, KeyUpdate(useLimit: .lifted))
    #expect(store.reservations.isEmpty)
    for _ in 1...50 { #expect(ask(registry, secret)?.verdict == .valid) }
    try update(registry, id, KeyUpdate(useLimit: .of(UseLimit(total: 4))))
    registry = try Registry(store: store)
    #expect(try useUp(registry, secret) == 4)
  }

  @Test("A copy has the limits and uses of its own; a rotated key goes on")
  func copyAndRotate() throws {
    let registry = try Registry(store: store)
    let rate = try RateLimit(count: 1000, periodSeconds: 1)
    let (id, secret) = try make(registry, 3, rate: rate)
    #expect(try use(registry, secret).verdict == .valid)
    let actions: [ChangeRequest.Action] = [.copy(id, CopyKey()), .rotate(id, try RotateKey(graceSeconds: 0))]
    let outcomes = try registry.commit(actions.map { Command(ChangeRequest($0), by: .sample) }, at: clock.now).map {
      try $0.get()
    }
    #expect(outcomes[0].view.key.useLimit?.total == 3 && outcomes[0].view.key.rateLimit == rate)
    #expect(try useUp(registry, try #require(outcomes[0].secret)) == 3)
    #expect(try useUp(registry, try #require(outcomes[1].secret)) == 2)
  }
}
