import KeywardCore
import TestSupport
import Testing

/// How many former secrets a key may have, and that letting go of them holds up nobody.
@Suite struct RotationTests {
  let store = FakeStore()
  let clock = ManualClock()

  private func commit(_ action: ChangeRequest.Action, to registry: Registry) throws -> Outcome {
    try #require(registry.commit([Command(ChangeRequest(action), by: .sample)], at: clock.now).first).get()
  }

  private func rotate(_ id: KeyID, grace: Int64, _ registry: Registry) throws -> Secret {
    try #require(try commit(.rotate(id, RotateKey(graceSeconds: grace)), to: registry).secret)
  }

  private func verdict(_ secret: Secret, _ registry: Registry) -> Verdict? {
    registry.validate(secret.presented, for: .chat, at: clock.now)?.verdict
  }

  /// A key with all the former secrets it may have, of which the first ends in a minute, the next a minute later.
  private func fill(_ registry: Registry) throws -> (id: KeyID, secrets: [Secret]) {
    let made = try commit(.create(CreateKey(name: KeyName("k"), permission: .chat)), to: registry)
    let id = made.view.key.id
    var secrets = [try #require(made.secret)]
    for number in 1...RotateKey.maxFormerCount {
      secrets.append(try rotate(id, grace: Int64(number) * 60, registry))
    }
    return (id, secrets)
  }

  @Test("A grace that would keep a ninth former secret good is refused, and says what to do and until when")
  func bound() throws {
    let registry = try Registry(store: store)
    let (id, secrets) = try fill(registry)
    let refusal = DomainError.precondition(
      "the key \"k\" has 8 former secrets that are still good, and may have no more than 8: rotate it with a grace of"
        + " 0s, which ends them all, or wait until 2027-01-15T12:01:00Z")
    let revision = registry.revision
    #expect(throws: refusal) { try rotate(id, grace: 3600, registry) }
    #expect(registry.revision == revision)
    for secret in secrets { #expect(verdict(secret, registry) == .valid) }

    clock.advance(seconds: 59)
    #expect(throws: refusal) { try rotate(id, grace: 3600, registry) }
    clock.advance(seconds: 1)
    let next = try rotate(id, grace: 3600, registry)
    #expect(verdict(secrets[0], registry) == .notFound)
    for secret in secrets.dropFirst() + [next] { #expect(verdict(secret, registry) == .valid) }
    #expect(throws: DomainError.self) { try rotate(id, grace: 3600, registry) }
  }

  @Test("A rotation without a grace is always let through, and ends every former secret")
  func emergency() throws {
    let registry = try Registry(store: store)
    let (id, secrets) = try fill(registry)
    let last = try rotate(id, grace: 0, registry)
    for secret in secrets { #expect(verdict(secret, registry) == .notFound) }
    #expect(verdict(last, registry) == .valid)
    let graced = try rotate(id, grace: 60, registry)
    #expect(verdict(last, registry) == .valid && verdict(graced, registry) == .valid)
  }

  @Test("The same holds for a store that has more of them already")
  func loaded() throws {
    let former = (2...21).map {
      FormerDigest(digest: .sample($0), until: clock.now.adding(seconds: Int64($0) * 60))
    }
    let keys = [StoredKey(key: .sample(1, revision: 1), digest: .sample(1), former: former, ordinal: 1)]
    let mark = StoreMark(revision: 1, latestInstant: .noon)
    let registry = try Registry(store: FakeStore(keys, mark: mark))
    let refusal = DomainError.precondition(
      "the key \"sample-1\" has 20 former secrets that are still good, and may have no more than 8: rotate it with a"
        + " grace of 0s, which ends them all, or wait until 2027-01-15T12:14:00Z")
    #expect(throws: refusal) { try rotate(.sample(1), grace: 1, registry) }
    clock.advance(seconds: 14 * 60)
    #expect(throws: Never.self) { try rotate(.sample(1), grace: 3600, registry) }
    #expect(throws: DomainError.self) { try rotate(.sample(1), grace: 3600, registry) }
    #expect(throws: Never.self) { try rotate(.sample(1), grace: 0, registry) }
    for number in 1...21 { #expect(verdict(.sample(number), registry) == .notFound) }
  }

  @Test("However often a key is rotated, it keeps few former secrets")
  func few() throws {
    let registry = try Registry(store: store)
    let (id, _) = try fill(registry)
    for _ in 1...50 { _ = try rotate(id, grace: 0, registry) }
    #expect(store.keys.first?.former.count == 1)
    #expect(try !registry.forget(at: clock.now))
    #expect(store.keys.first?.former.isEmpty == true)
  }

  private func told(_ outcome: Outcome) -> [Int64] { told(outcome.view) }

  /// In seconds after noon.
  private func told(_ view: KeyView) -> [Int64] { view.formerSecretEnds.map { $0.seconds - Instant.noon.seconds } }

  @Test("Until when former secrets work is told by each change and by the key, and not past the key's own end")
  func ends() throws {
    let registry = try Registry(store: store)
    let made = try commit(.create(CreateKey(name: KeyName("k"), permission: .chat)), to: registry)
    let id = made.view.key.id
    #expect(told(made).isEmpty)
    #expect(told(try commit(.rotate(id, RotateKey(graceSeconds: 60)), to: registry)) == [60])
    #expect(told(try commit(.rotate(id, RotateKey(graceSeconds: 3600)), to: registry)) == [60, 3600])
    #expect(told(try registry.key(id: id, at: clock.now)) == [60, 3600])
    #expect(told(try registry.key(name: KeyName("k"), at: clock.now)) == [60, 3600])
    let asBefore = try commit(.update(id, KeyUpdate(enabled: true)), to: registry)
    #expect(asBefore.change == nil && told(asBefore) == [60, 3600])

    let expiry = KeyUpdate(expiry: .at(Instant.noon.adding(seconds: 600)))
    #expect(told(try commit(.update(id, expiry), to: registry)) == [60, 600])
    let revocation = Revocation(time: Instant.noon.adding(seconds: 30))
    #expect(told(try commit(.revoke(id, revocation), to: registry)) == [30, 30])
    #expect(try registry.list(ListQuery(), at: clock.now).keys.map(\.formerSecretEnds) == [[]])
    clock.advance(seconds: 30)
    #expect(told(try registry.key(id: id, at: clock.now)).isEmpty)
  }

  @Test("A rotation of a key that ends before the grace tells the key's end, and one that ends the rest tells none")
  func cutGrace() throws {
    let registry = try Registry(store: store)
    let expireTime = Instant.noon.adding(seconds: 50)
    let key = CreateKey(name: try KeyName("k"), permission: .chat, expireTime: expireTime)
    let id = try commit(.create(key), to: registry).view.key.id
    #expect(told(try commit(.rotate(id, RotateKey(graceSeconds: 3600)), to: registry)) == [50])
    #expect(told(try commit(.rotate(id, RotateKey(graceSeconds: 0)), to: registry)).isEmpty)
  }

  @Test("Former secrets that have ended, at the start already or later, are let go of as many keys at a time as said")
  func forgetting() throws {
    let end = clock.now.adding(seconds: 60)
    var keys: [StoredKey] = []
    for number in 1...10 {
      // Those of the even numbers have ended when the store is loaded.
      let former = FormerDigest(digest: .sample(100 + number), until: number % 2 == 0 ? .noon : end)
      let key = Key.sample(number, revision: Revision(number))
      keys.append(StoredKey(key: key, digest: .sample(number), former: [former], ordinal: Int64(number)))
    }
    let store = FakeStore(keys, mark: StoreMark(revision: 10, latestInstant: .noon))
    let registry = try Registry(store: store)
    #expect(verdict(.sample(102), registry) == .notFound && verdict(.sample(101), registry) == .valid)
    clock.now = end
    var calls = 1
    while try registry.forget(at: clock.now, limit: 4) { calls += 1 }
    // The store's, which go at once, then of 4, 4 and 2 keys.
    #expect(calls == 4)
    #expect(store.keys.allSatisfy { $0.former.isEmpty })
    #expect(try registry.forget(at: clock.now) == false, "there is nothing more")
    for number in 101...110 { #expect(verdict(.sample(number), registry) == .notFound) }
  }
}
