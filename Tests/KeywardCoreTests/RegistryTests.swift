import KeywardCore
import TestSupport
import Testing

@Suite struct RegistryTests {
  let store = FakeStore()
  let clock = ManualClock()
  let registry: Registry

  init() throws {
    registry = try Registry(store: store)
  }

  private func create(
    _ name: String, permission: Permission = .chat, enabled: Bool = true, expireTime: Instant? = nil
  ) throws -> (view: KeyView, secret: Secret) {
    let request = CreateKey(
      name: try KeyName(name), permission: permission, enabled: enabled, expireTime: expireTime)
    let outcome = try #require(registry.commit([.create(request, by: .sample)], at: clock.now).first).get()
    return (outcome.view, try #require(outcome.secret))
  }

  private func verdict(_ secret: Secret, for permission: Permission = .chat) -> Verdict? {
    registry.validate(secret.presented, for: permission, at: clock.now)?.verdict
  }

  @Test("A new key is told with its secret, found by id and name, and good at once")
  func create() throws {
    let end = clock.now.adding(months: 3)
    let (view, secret) = try create("APIKEYtest", permission: .secureMail, expireTime: end)
    #expect(view.key.name.text == "APIKEYtest")
    #expect(view.key.permission == .secureMail && view.key.enabled && view.key.expireTime == end)
    #expect(view.key.creator == "ada" && view.key.updater == "ada")
    #expect(view.key.createTime == clock.now && view.key.updateTime == clock.now)
    #expect(view.key.hint == secret.hint && view.key.revision == 1)
    #expect(view.state == .active && view.availability == .available)
    #expect(try registry.key(id: view.key.id, at: clock.now) == view)
    #expect(try registry.key(name: KeyName("APIKEYtest"), at: clock.now) == view)
    #expect(verdict(secret, for: .secureMail) == .valid)
    #expect(store.keys.map(\.key) == [view.key])
    #expect(store.keys.first?.digest == secret.digest)
    #expect(registry.revision == 1 && registry.keyCount == 1)
  }

  @Test("A key may be made switched off")
  func createDisabled() throws {
    #expect(verdict(try create("off", enabled: false).secret) == .disabled)
  }

  @Test("An expiry must be later than now, and one that a timestamp can say")
  func expiry() throws {
    for (time, text) in [
      (clock.now, "2027-01-15T12:00:00Z is not later than now, 2027-01-15T12:00:00Z"),
      (.epoch, "1970-01-01T00:00:00Z is not later than now, 2027-01-15T12:00:00Z"),
      (Instant.latest.adding(seconds: 1), "is later than the year 9999: leave it out for a key that never expires"),
    ] {
      #expect(throws: DomainError.invalid(field: "expire_time", text)) { try create("k", expireTime: time) }
    }
    #expect(store.commitCount == 0)
    #expect(try create("k", expireTime: .latest).view.key.expireTime == .latest)
  }

  @Test("What a change answers tells of the very last use, which is not written yet")
  func lastUseInReplies() throws {
    let (view, secret) = try create("used")
    clock.advance(seconds: 7)
    #expect(verdict(secret) == .valid)
    let used = clock.now
    clock.advance(seconds: 7)
    let id = view.key.id
    let changes: [ChangeRequest.Action] = [
      .update(id, KeyUpdate(enabled: false)), .update(id, KeyUpdate(enabled: false)),
      .rotate(id, try RotateKey(graceSeconds: 0)),
      .delete(id), .undelete(id), .revoke(id, Revocation()),
    ]
    for action in changes {
      let command = Command(ChangeRequest(action), by: .sample)
      let outcome = try #require(registry.commit([command], at: clock.now).first).get()
      #expect(outcome.view.key.lastUsedTime == used, "\(action)")
    }
  }

  @Test("An instant that has just passed counts as now where that is meant, and an older one does not")
  func justPassed() throws {
    let (view, secret) = try create("k")
    let (recent, old) = (clock.now.adding(seconds: -5), clock.now.adding(seconds: -6))
    #expect(try registry.list(ListQuery(asOf: recent), at: clock.now).totalSize == 1)
    #expect(throws: DomainError.self) { try registry.list(ListQuery(asOf: old), at: clock.now) }
    #expect(
      try registry.validate(secret.presented, for: .chat, asOf: recent, at: clock.now).verdict == .valid)
    func revoke(_ time: Instant) throws -> Key {
      let command = Command(ChangeRequest(.revoke(view.key.id, Revocation(time: time))), by: .sample)
      return try #require(registry.commit([command], at: clock.now).first).get().view.key
    }
    #expect(throws: DomainError.self) { try revoke(old) }
    #expect(try revoke(recent).revokeTime == clock.now)
  }

  @Test("A deleted key whose name is taken says which key is to be renamed")
  func undeleteTaken() throws {
    let id = try create("k").view.key.id
    func change(_ action: ChangeRequest.Action) throws -> Outcome {
      try #require(registry.commit([Command(ChangeRequest(action), by: .sample)], at: clock.now).first).get()
    }
    _ = try change(.delete(id))
    _ = try create("k")
    #expect(throws: DomainError.alreadyExists("another key has the name \"k\": rename that one first")) {
      try change(.undelete(id))
    }
  }

  @Test("What is not there is not found, in a person's words")
  func notFound() throws {
    #expect(throws: DomainError.notFound("no key has the id \(KeyID.sample(1))")) {
      try registry.key(id: .sample(1), at: clock.now)
    }
    #expect(throws: DomainError.notFound("no key has the name \"é\"")) {
      try registry.key(name: KeyName("é"), at: clock.now)
    }
  }

  @Test("A name that is taken is refused, across batches and within one, and the others are made")
  func conflicts() throws {
    _ = try create("a")
    let names = ["a", "b", "b", "c", "e\u{301}", "é"]
    let commands = try names.map { Command.create(CreateKey(name: try KeyName($0), permission: .chat), by: .sample) }
    let results = registry.commit(commands, at: clock.now)
    #expect(results.map { (try? $0.get()) != nil } == [false, true, false, true, true, false])
    #expect(throws: DomainError.alreadyExists("a key has the name \"b\" already: choose another")) {
      _ = try results[2].get()
    }
    #expect(store.keys.map(\.key.name.text) == ["a", "b", "c", "é"])
    #expect(registry.keyCount == 4 && registry.revision == 4)
    #expect(store.commitCount == 2, "one commit for the batch")
    for case .success(let outcome) in results {
      #expect(try registry.key(id: outcome.view.key.id, at: clock.now).key == outcome.view.key)
      #expect(verdict(try #require(outcome.secret)) == .valid)
    }
  }

  @Test("A batch that is refused as a whole does not ask the store")
  func nothingToCommit() throws {
    _ = try create("a")
    #expect(throws: DomainError.self) { try create("a") }
    #expect(registry.commit([], at: clock.now).isEmpty)
    #expect(store.commitCount == 1)
  }

  @Test(
    "A store that is unavailable leaves the keys as they were",
    arguments: [
      (StoreError.unavailable("gone"), DomainError.unavailable("gone")),
      (StoreError.exhausted("full"), DomainError.exhausted("full")),
      (StoreError.damaged("bad"), DomainError.internal("bad")),
    ])
  func storeFailure(_ failure: StoreError, _ error: DomainError) throws {
    let secret = try create("a").secret
    store.failNextCommit(with: failure)
    clock.advance(seconds: 60)
    #expect(throws: error) { try create("b") }
    #expect(registry.keyCount == 1 && registry.revision == 1)
    #expect(throws: DomainError.self) { try registry.key(name: KeyName("b"), at: clock.now) }
    #expect(verdict(secret) == .valid)
    #expect(registry.judged(.noon) == .noon, "an instant that was not recorded does not count")
    #expect(try create("b").view.key.revision == 2)
  }

  @Test("A store's failure does not hide why another command of the batch was refused")
  func failureAndRefusal() throws {
    _ = try create("a")
    store.failNextCommit(with: .unavailable("gone"))
    let commands = try ["a", "b"].map {
      Command.create(CreateKey(name: try KeyName($0), permission: .chat), by: .sample)
    }
    let results = registry.commit(commands, at: clock.now)
    #expect(throws: DomainError.alreadyExists("a key has the name \"a\" already: choose another")) {
      _ = try results[0].get()
    }
    #expect(throws: DomainError.unavailable("gone")) { _ = try results[1].get() }
  }

  @Test("A clock that goes back never brings an expired key to life")
  func clockGoesBack() throws {
    let secret = try create("a", expireTime: clock.now.adding(seconds: 10)).secret
    #expect(verdict(secret) == .valid)
    clock.advance(seconds: 10)
    #expect(verdict(secret) == .expired)
    _ = try create("b")
    clock.now = .noon
    #expect(verdict(secret) == .expired)
    #expect(try registry.key(name: KeyName("a"), at: .epoch).state == .expired)
    #expect(registry.judged(.epoch) == Instant.noon.adding(seconds: 10))
    let late = try create("c").view.key
    #expect(late.createTime == Instant.noon.adding(seconds: 10), "what is recorded does not go back either")
    #expect(throws: DomainError.self) { try create("d", expireTime: Instant.noon.adding(seconds: 5)) }

    let restarted = try Registry(store: store)
    #expect(restarted.validate(secret.presented, for: .chat, at: .noon)?.verdict == .expired, "nor does a restart")
  }

  @Test("A restart finds everything again")
  func restart() throws {
    let (view, secret) = try create("a")
    let again = try Registry(store: store)
    #expect(again.revision == 1 && again.keyCount == 1)
    #expect(try again.key(name: KeyName("a"), at: clock.now) == view)
    #expect(again.validate(secret.presented, for: .chat, at: clock.now)?.verdict == .valid)
  }

  @Test("A store with two keys of one id, digest or name is refused")
  func twins() throws {
    let key = StoredKey(key: .sample(1), digest: .sample(1), ordinal: 1)
    for twin in [
      StoredKey(key: .sample(1, name: "x"), digest: .sample(2), ordinal: 2),
      StoredKey(key: .sample(2), digest: .sample(1), ordinal: 2),
      StoredKey(key: .sample(2, name: "sample-1"), digest: .sample(2), ordinal: 2),
    ] {
      #expect(throws: StoreError.damaged("two keys have the same id, name or digest")) {
        try Registry(store: FakeStore([key, twin]))
      }
    }
  }

  @Test("A deleted key keeps its id and leaves its name to another")
  func deletedName() throws {
    let deleted = StoredKey(key: .sample(1, name: "n", deleteTime: .noon), digest: .sample(1), ordinal: 1)
    let registry = try Registry(store: FakeStore([deleted]))
    #expect(registry.keyCount == 0)
    #expect(try registry.key(id: .sample(1), at: .noon).state == .deleted)
    #expect(throws: DomainError.self) { try registry.key(name: KeyName("n"), at: .noon) }
    let request = CreateKey(name: try KeyName("n"), permission: .chat)
    #expect(try registry.commit([.create(request, by: .sample)], at: .noon).map { _ = try $0.get() }.count == 1)
  }
}
