import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What the sweeper records, over each store, by a clock moved by hand.
@Suite struct SweepTests {
  /// A registry over a store, and a clock.
  private final class Bench {
    var store: any Store
    var registry: Registry
    let clock = ManualClock()
    private let rig: StoreSubject.Rig

    init(_ subject: StoreSubject, _ changes: [Change] = [], window: SoonWindow = .oneMonth) throws {
      rig = try subject.make()
      store = rig.store
      _ = try store.commit(changes, at: .noon)
      registry = try Registry(store: store, soonWindow: window)
    }

    func restart() throws {
      if let store = store as? SQLiteStore, let folder = rig.folder {
        store.close()
        self.store = try SQLiteStore(path: folder.database)
      }
      registry = try Registry(store: store)
    }

    /// All that is due: kinds with the keys' names.
    func sweep(limit: Int = 256) throws -> [String] {
      var events: [String] = []
      for _ in 0..<10_000 {
        let sweep = registry.sweep(at: clock.now, by: .testSweeper, limit: limit)
        #expect(sweep.failure == nil && sweep.events.count <= limit)
        events += sweep.events.map { "\($0.type.name) \($0.key.name.text)" }
        if sweep.isComplete { return events }
      }
      Issue.record("the sweeping never ends")
      return events
    }

    @discardableResult
    func commit(_ action: ChangeRequest.Action) throws -> Outcome {
      let command = Command(ChangeRequest(action), by: .sample)
      return try #require(registry.commit([command], at: clock.now).first).get()
    }

    func verify() throws {
      if let store = store as? SQLiteStore { #expect(try store.verifyAudit().isSound) }
    }
  }

  private func key(
    _ number: Int, _ name: String, enabled: Bool = true, expires: Int64? = nil, revoked: Int64? = nil
  ) -> Change {
    .insert(
      .sample(
        number, name: name, enabled: enabled, expireTime: expires.map { Instant.noon.adding(seconds: $0) },
        revokeTime: revoked.map { Instant.noon.adding(seconds: $0) }), .sample(number))
  }

  private static let day: Int64 = 86400

  @Test("Ends are recorded when they come, in their order, each once, over restarts too", arguments: StoreSubject.all)
  func ends(_ subject: StoreSubject) throws {
    let bench = try Bench(
      subject,
      [
        key(1, "late", expires: 30), key(2, "early", expires: 10), key(3, "revoked", revoked: 20), key(4, "never"),
        key(5, "far", expires: 400 * Self.day), key(6, "off", enabled: false, expires: 15),
        key(7, "both", expires: 12, revoked: 25), key(8, "revoked first", expires: 26, revoked: 11),
      ])
    #expect(
      Set(try bench.sweep())
        == Set(["late", "early", "revoked", "both", "revoked first"].map { "soon-unavailable \($0)" }))
    #expect(bench.registry.nextAttention == Instant.noon.adding(seconds: 10))
    bench.clock.advance(seconds: 20)
    #expect(
      try bench.sweep(limit: 1) == [
        "expired early", "revoked revoked first", "expired both", "expired off", "revoked revoked",
      ])
    try bench.restart()
    #expect(try bench.sweep().isEmpty)
    bench.clock.advance(seconds: 100)
    try bench.restart()
    #expect(try bench.sweep() == ["revoked both", "expired late"])
    #expect(try bench.sweep().isEmpty)
    try bench.restart()
    #expect(try bench.sweep().isEmpty)
    try bench.verify()
    let revisions = try bench.store.audit().map(\.revision)
    #expect(revisions == Array(1...Revision(revisions.count)))
  }

  @Test("Two ends that come while nobody looks are both recorded, the first first", arguments: StoreSubject.all)
  func missedEnds(_ subject: StoreSubject) throws {
    let bench = try Bench(subject, [key(1, "k", expires: 10, revoked: 20), key(2, "same", expires: 10, revoked: 10)])
    bench.clock.advance(seconds: 60)
    #expect(Set(try bench.sweep(limit: 1)) == ["expired k", "revoked k", "revoked same"])
    #expect(try bench.sweep().isEmpty)
  }

  @Test("A key that was changed many times is recorded once", arguments: StoreSubject.all)
  func manyChanges(_ subject: StoreSubject) throws {
    let bench = try Bench(subject, [key(1, "k", expires: 400 * Self.day)])
    for number in 0..<50 {
      bench.clock.advance(seconds: 1)
      let end = Instant.noon.adding(seconds: 100 * Self.day + Int64(number))
      try bench.commit(.update(.sample(1), KeyUpdate(enabled: number % 2 == 1, expiry: .at(end))))
    }
    bench.clock.advance(seconds: 99 * Self.day)
    #expect(try bench.sweep() == ["soon-unavailable k"])
    bench.clock.advance(seconds: 2 * Self.day)
    #expect(try bench.sweep() == ["expired k"])
    try bench.verify()
  }

  @Test("An end is warned of once, and anew when it is moved; not while the key is off", arguments: StoreSubject.all)
  func warnings(_ subject: StoreSubject) throws {
    let bench = try Bench(subject, [key(1, "k", expires: 40 * Self.day), key(2, "off", enabled: false, expires: 1000)])
    #expect(try bench.sweep().isEmpty)
    let end = Instant.noon.adding(seconds: 40 * Self.day)
    bench.clock.now = Instant(microseconds: SoonWindow.oneMonth.start(of: end).microseconds - 1)
    #expect(try bench.sweep() == ["expired off"])
    bench.clock.now = SoonWindow.oneMonth.start(of: end)
    #expect(try bench.sweep() == ["soon-unavailable k"])
    try bench.commit(.update(.sample(1), KeyUpdate(name: KeyName("renamed"))))
    #expect(try bench.sweep().isEmpty)
    try bench.commit(.update(.sample(1), KeyUpdate(expiry: .at(end.adding(seconds: -5)))))
    #expect(try bench.sweep() == ["soon-unavailable renamed"])
    try bench.commit(.update(.sample(1), KeyUpdate(expiry: .never)))
    try bench.commit(.update(.sample(1), KeyUpdate(enabled: false, expiry: .at(end))))
    #expect(try bench.sweep().isEmpty)
    try bench.restart()
    try bench.commit(.update(.sample(1), KeyUpdate(enabled: true)))
    #expect(try bench.sweep() == ["soon-unavailable renamed"])
    try bench.commit(.revoke(.sample(1), Revocation(time: bench.clock.now.adding(seconds: 60))))
    #expect(try bench.sweep() == ["soon-unavailable renamed"])
    try bench.commit(.revoke(.sample(1), Revocation()))
    #expect(try bench.sweep().isEmpty, "the change itself told of it")
  }

  @Test("An expired key that lives again is recorded anew when it expires again", arguments: StoreSubject.all)
  func extended(_ subject: StoreSubject) throws {
    let bench = try Bench(subject, [key(1, "k", expires: 10)])
    bench.clock.advance(seconds: 10)
    #expect(try bench.sweep() == ["expired k"])
    try bench.commit(.update(.sample(1), KeyUpdate(expiry: .at(bench.clock.now.adding(seconds: 10)))))
    #expect(try bench.sweep() == ["soon-unavailable k"])
    bench.clock.advance(seconds: 10)
    #expect(try bench.sweep() == ["expired k"])
  }

  @Test("A deleted key is purged after 30 days, and nothing else of it is recorded", arguments: StoreSubject.all)
  func purge(_ subject: StoreSubject) throws {
    let bench = try Bench(subject, [key(1, "k", expires: 10), key(2, "back", expires: 10)])
    _ = try bench.sweep()
    for number in 1...2 { try bench.commit(.delete(.sample(number))) }
    bench.clock.advance(seconds: 30 * Self.day - 1)
    #expect(try bench.sweep().isEmpty)
    try bench.commit(.undelete(.sample(2)))
    #expect(try bench.sweep() == ["expired back"])
    bench.clock.advance(seconds: 1)
    try bench.restart()
    #expect(try bench.sweep() == ["purged k"])
    #expect(bench.registry.nextAttention == nil)
    #expect(throws: DomainError.self) { try bench.registry.key(id: .sample(1), at: bench.clock.now) }
    #expect(try bench.store.contents().keys.map(\.key.id) == [.sample(2)])
    try bench.verify()
  }

  @Test("A clock that leaps ahead and back un-records nothing and brings no key to life", arguments: StoreSubject.all)
  func clock(_ subject: StoreSubject) throws {
    let bench = try Bench(subject)
    let end = Instant.noon.adding(seconds: 100 * Self.day)
    let request = CreateKey(name: try KeyName("k"), permission: .chat, expireTime: end)
    let secret = try #require(try bench.commit(.create(request)).secret)
    func verdict() -> Verdict? {
      bench.registry.validate(secret.presented, for: .chat, at: bench.clock.now)?.verdict
    }
    bench.clock.now = end.adding(seconds: 5)
    #expect(try bench.sweep() == ["expired k"])
    for back in [Instant.noon, .epoch, end] {
      bench.clock.now = back
      #expect(verdict() == .expired)
      #expect(try bench.sweep().isEmpty)
      try bench.restart()
      #expect(verdict() == .expired)
      #expect(try bench.sweep().isEmpty)
      #expect(bench.registry.judged(back) == end.adding(seconds: 5))
    }
    let events = try bench.store.audit()
    #expect(events.map(\.type) == [.created, .expired])
    #expect(events.map(\.time) == events.map(\.time).sorted())
  }

  // Not over the fake, which looks for each of so many keys from the first on.
  @Test("Another window has every key looked at again", arguments: StoreSubject.all.suffix(1))
  func window(_ subject: StoreSubject) throws {
    let bench = try Bench(
      subject, (1...5000).map { key($0, "k\($0)", expires: 50 * Self.day + Int64($0)) },
      window: SoonWindow(months: 0, days: 14))
    #expect(try bench.sweep().isEmpty)
    bench.clock.advance(seconds: 36 * Self.day + 2)
    #expect(try bench.sweep() == ["soon-unavailable k1", "soon-unavailable k2"])
    #expect(try bench.registry.key(id: .sample(3), at: bench.clock.now).availability == .available)
    bench.registry.soonWindow = .oneMonth
    #expect(try bench.registry.key(id: .sample(3), at: bench.clock.now).availability == .soonUnavailable)
    #expect(try bench.sweep(limit: 1000).count == 4998)
    bench.registry.soonWindow = SoonWindow(months: 0, days: 1)
    #expect(try bench.registry.key(id: .sample(3), at: bench.clock.now).availability == .available)
    #expect(try bench.sweep().isEmpty)
    #expect(bench.registry.nextAttention == Instant.noon.adding(seconds: 50 * Self.day + 1))
  }

  @Test(
    "Attempts and former secrets are forgotten, and a clock that goes back does not bring them back",
    arguments: StoreSubject.all)
  func forgetting(_ subject: StoreSubject) throws {
    let bench = try Bench(subject)
    #expect(try !bench.registry.forget(at: bench.clock.now))
    let request = CreateKey(name: try KeyName("k"), permission: .chat)
    let attempt = ChangeRequest(.create(request), requestID: try RequestID("r"))
    func make() -> Result<Outcome, DomainError>? {
      bench.registry.commit([Command(attempt, by: .sample)], at: bench.clock.now).first
    }
    let made = try #require(make()).get()
    let old = try #require(made.secret)
    try bench.commit(.rotate(made.view.key.id, RotateKey(graceSeconds: 60)))
    #expect(try !bench.registry.forget(at: bench.clock.now))
    bench.clock.advance(seconds: 59)
    #expect(bench.registry.validate(old.presented, for: .chat, at: bench.clock.now)?.verdict == .valid)
    bench.clock.advance(seconds: Self.day)
    while try bench.registry.forget(at: bench.clock.now, limit: 1) {}
    #expect(try bench.store.attempts().isEmpty)
    #expect(try bench.store.contents().keys.allSatisfy { $0.former.isEmpty })
    bench.clock.now = .noon
    #expect(bench.registry.validate(old.presented, for: .chat, at: bench.clock.now)?.verdict == .notFound)
    try bench.restart()
    #expect(bench.registry.validate(old.presented, for: .chat, at: bench.clock.now)?.verdict == .notFound)
    #expect(throws: DomainError.self, "a new attempt, and the name is taken") { try #require(make()).get() }
  }
}
