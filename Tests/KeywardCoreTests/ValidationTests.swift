import KeywardCore
import TestSupport
import Testing

@Suite struct ValidationTests {
  /// The verdict on sample secret 1, for chat unless said otherwise, at noon.
  private func validation(of key: Key, for permission: Permission = .chat) throws -> Validation {
    let store = FakeStore(
      [StoredKey(key: key, digest: .sample(1), ordinal: 1)], mark: StoreMark(revision: 9, latestInstant: .epoch))
    return try #require(try Registry(store: store).validate(Secret.sample(1).presented, for: permission, at: .noon))
  }

  @Test("A verdict on an active key says whose it is, until when it holds, and at what revision")
  func valid() throws {
    let end = Instant.noon.adding(seconds: 5)
    let subject = Validation.Subject(
      id: .sample(1), name: KeyName(checked: "sample-1"), validUntil: end, revision: 9)
    #expect(try validation(of: .sample(expireTime: end)) == Validation(.valid, subject: subject))
    #expect(try validation(of: .sample()).subject?.validUntil == nil)
  }

  @Test(
    "Each state has its verdict, with a subject",
    arguments: [
      (Key.sample(enabled: false), Verdict.disabled), (.sample(expireTime: .noon), .expired),
      (.sample(revokeTime: .noon), .revoked), (.sample(enabled: false, expireTime: .noon), .expired),
      (.sample(enabled: false, expireTime: .noon, revokeTime: .noon), .revoked),
    ])
  func states(_ key: Key, _ verdict: Verdict) throws {
    let validation = try validation(of: key)
    #expect(validation.verdict == verdict)
    #expect(validation.subject?.id == key.id)
  }

  @Test(
    "The wrong permission comes before every state, and tells nothing of the key",
    arguments: [
      Key.sample(), .sample(enabled: false), .sample(expireTime: .noon), .sample(revokeTime: .noon),
    ])
  func wrongPermission(_ key: Key) throws {
    #expect(try validation(of: key, for: .secureMail) == Validation(.wrongPermission))
  }

  @Test("A deleted key is not found, for either permission", arguments: Permission.allCases)
  func deleted(_ permission: Permission) throws {
    #expect(try validation(of: .sample(deleteTime: .noon), for: permission) == Validation(.notFound))
  }

  @Test("An unknown secret is not found, and a typo is malformed")
  func unknown() throws {
    let registry = try Registry(store: FakeStore())
    #expect(registry.validate(Secret.sample(2).presented, for: .chat, at: .noon) == Validation(.notFound))
    #expect(registry.validate(Secret.text("elsewhere").presented, for: .chat, at: .noon) == Validation(.notFound))
    #expect(registry.validate(Secret.text("kw_chat_typo").presented, for: .chat, at: .noon) == Validation(.malformed))
  }

  @Test("A key that was imported with a secret of another form is found by it")
  func foreignForm() throws {
    let secret = Secret.text("sk-live-é")
    let store = FakeStore([StoredKey(key: .sample(), digest: secret.digest, ordinal: 1)])
    let registry = try Registry(store: store)
    #expect(registry.validate(secret.presented, for: .chat, at: .noon)?.verdict == .valid)
  }

  @Test("Each of many keys is found by its own secret")
  func many() throws {
    let keys = (1...3000).map { StoredKey(key: .sample($0), digest: .sample($0), ordinal: Int64($0)) }
    let registry = try Registry(store: FakeStore(keys))
    for number in 1...3000 {
      let validation = registry.validate(Secret.sample(number).presented, for: .chat, at: .noon)
      #expect(validation?.subject?.id == .sample(number))
    }
    #expect(registry.validate(Secret.sample(3001).presented, for: .chat, at: .noon)?.verdict == .notFound)
  }
}
