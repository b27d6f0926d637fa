import KeywardCore
import TestSupport
import Testing

/// Changes of many keys, which are all made or none.
@Suite struct GroupTests {
  let store = FakeStore()
  let clock = ManualClock()
  let registry: Registry

  init() throws {
    registry = try Registry(store: store)
  }

  private func make(_ names: String...) throws -> [(key: Key, secret: Secret)] {
    let commands = try names.map { Command.create(CreateKey(name: try KeyName($0), permission: .chat), by: .sample) }
    return try registry.commit(commands, at: clock.now).map { result in
      let outcome = try result.get()
      return (outcome.view.key, try #require(outcome.secret))
    }
  }

  private func commit(_ action: GroupChange.Action, _ keys: [Key]) throws -> GroupOutcome {
    let group = try GroupChange(action, of: keys.map { KeyVersion(id: $0.id, etag: $0.revision) })
    return try registry.commit(group, by: .sample, at: clock.now)
  }

  private func verdicts(_ made: [(key: Key, secret: Secret)]) -> [Verdict?] {
    made.map { registry.validate($0.secret.presented, for: .chat, at: clock.now)?.verdict }
  }

  @Test("A group is changed in one commit, with an audit event for each key")
  func whole() throws {
    let made = try make("a", "b", "c")
    let commits = store.commitCount
    let reason = try RevokeReason("ann has left")
    let outcome = try commit(.revoke(Revocation(reason: reason)), made.map(\.key))
    #expect(outcome.changed.map(\.view.state) == [.revoked, .revoked, .revoked])
    #expect(outcome.revision == 6 && registry.revision == 6)
    #expect(store.commitCount == commits + 1)
    #expect(verdicts(made) == [.revoked, .revoked, .revoked])
    let events = store.audit.suffix(3)
    #expect(events.map(\.type) == [.revoked, .revoked, .revoked])
    #expect(events.map(\.keyID) == made.map(\.key.id))
    #expect(events.map(\.revision) == [4, 5, 6])
    #expect(events.allSatisfy { $0.actor == .sample && $0.after?.revokeReason == "ann has left" })
    #expect(store.keys.map(\.key) == outcome.changed.map(\.view.key))
  }

  @Test("Keys that are so already are left as they are, and a group of nothing else asks no store")
  func already() throws {
    let made = try make("a", "b")
    let first = try commit(.update(KeyUpdate(enabled: false)), [made[0].key])
    let keys = [try #require(first.changed.first).view.key, made[1].key]
    let both = try commit(.update(KeyUpdate(enabled: false)), keys)
    #expect(both.changed.map(\.view.key.id) == [made[1].key.id])
    #expect(verdicts(made) == [.disabled, .disabled])
    let commits = store.commitCount
    let none = try commit(.update(KeyUpdate(enabled: false)), [keys[0]])
    #expect(none.changed.isEmpty && none.revision == registry.revision)
    #expect(store.commitCount == commits)
  }

  @Test("One key that does not allow it is named, and none is changed")
  func refused() throws {
    let made = try make("a", "b", "c")
    let keys = made.map(\.key)
    _ = try commit(.delete, [keys[1]])
    let (commits, audit) = (store.commitCount, store.audit)
    #expect(
      throws: DomainError.aborted("the etag is not the key's: another change of \"b\" came first, look at it again")
    ) {
      try commit(.delete, keys)
    }
    let present = try keys.map { try registry.key(id: $0.id, at: clock.now).key }
    #expect(throws: DomainError.precondition("the key \"b\" is deleted: undelete it first")) {
      try commit(.revoke(Revocation()), present)
    }
    #expect(throws: DomainError.notFound("no key has the id \(KeyID.sample(9))")) {
      try commit(.delete, [keys[0], .sample(9)])
    }
    #expect(verdicts(made) == [.valid, .notFound, .valid])
    #expect(store.commitCount == commits && store.audit == audit)
  }

  @Test("A conflict that only the store sees undoes the whole group")
  func conflict() throws {
    let made = try make("a", "b")
    // Another process has changed the second key.
    let foreign = Change.replace(made[1].key) { $0.enabled = false }
    _ = try store.commit([foreign], at: clock.now)
    let (mark, audit) = (store.mark, store.audit)
    #expect(
      throws: DomainError.aborted("another change of the key \"b\" came first: look at it and try again")
    ) { try commit(.delete, made.map(\.key)) }
    #expect(store.mark == mark && store.audit == audit)
    #expect(store.keys.allSatisfy { $0.key.deleteTime == nil })
    #expect(try registry.key(name: KeyName("a"), at: clock.now).state == .active)
  }

  @Test("A store that fails leaves every key as it was")
  func failure() throws {
    let made = try make("a", "b")
    store.failNextCommit(with: .exhausted("full"))
    #expect(throws: DomainError.exhausted("full")) { try commit(.delete, made.map(\.key)) }
    #expect(verdicts(made) == [.valid, .valid])
    #expect(try commit(.delete, made.map(\.key)).changed.count == 2)
  }

  @Test("No group is empty, too large, holds a key twice, or gives one name to all")
  func bounds() throws {
    let keys = (0...GroupChange.maxCount).map { KeyVersion(id: .sample($0), etag: nil) }
    for count in [0, GroupChange.maxCount + 1] {
      #expect(throws: DomainError.invalid(field: "keys", "has \(count) entries: give 1 to 10000")) {
        try GroupChange(.delete, of: Array(keys.prefix(count)))
      }
    }
    #expect(throws: DomainError.invalid(field: "keys", "holds \(KeyID.sample(0)) more than once: give each key once")) {
      try GroupChange(.delete, of: [keys[0], keys[1], keys[0]])
    }
    #expect(throws: DomainError.self) { try GroupChange(.update(KeyUpdate(name: KeyName("n"))), of: [keys[0]]) }
    #expect(try GroupChange(.delete, of: Array(keys.dropLast())).keys.count == 10_000)
  }
}
