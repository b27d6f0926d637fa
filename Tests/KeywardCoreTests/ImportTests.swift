import KeywardCore
import TestSupport
import Testing

/// What an import takes over, and what it refuses.
@Suite struct ImportTests {
  let store = FakeStore()
  let clock = ManualClock()
  let registry: Registry

  init() throws {
    registry = try Registry(store: store)
  }

  private func key(
    _ name: String, secret: String? = nil, permission: Permission = .chat, expireTime: Instant? = nil,
    creator: String = "", enabled: Bool = true, rateLimit: RateLimit? = nil, useLimit: UseLimit? = nil
  ) throws -> ImportKey {
    try ImportKey(
      name: KeyName(name), permission: permission,
      credential: Secret.text(secret ?? "secret of \(name)").withUnsafeBytes {
        try ImportCredential(secret: $0, for: permission)
      }, expireTime: expireTime, creator: creator, enabled: enabled, rateLimit: rateLimit, useLimit: useLimit)
  }

  private func run(_ keys: [ImportKey], _ options: ImportOptions = ImportOptions()) throws -> ImportOutcome {
    try registry.importKeys(ImportKeys(keys, options), by: .sample, at: clock.now)
  }

  private func verdict(_ secret: String) -> Verdict? {
    registry.validate(Secret.text(secret).presented, for: .chat, at: clock.now)?.verdict
  }

  private func refusal(_ keys: [ImportKey], _ options: ImportOptions = ImportOptions()) -> DomainError? {
    #expect(throws: DomainError.self) { try run(keys, options) }
  }

  @Test func `Keys come with all that is known of them, in one transaction, each with its audit`() throws {
    let past = clock.now.adding(seconds: -60)
    let outcome = try run([
      key("a", creator: "bob"), key("b", enabled: false), key("c", expireTime: past),
      ImportKey(name: KeyName("d"), permission: .chat, credential: ImportCredential(digest: Secret.text("dd").digest)),
    ])
    #expect(outcome == ImportOutcome(importedCount: 4, skippedCount: 0, revision: 4))
    #expect(store.commitCount == 1)
    #expect(["a", "b", "c"].map { verdict("secret of \($0)") } == [.valid, .disabled, .expired])
    #expect(verdict("dd") == .valid)
    #expect(store.keys.map(\.key.creator) == ["bob", "ada", "ada", "ada"])
    #expect(store.keys.allSatisfy { $0.key.updater == "ada" && $0.key.createTime == clock.now })
    #expect(store.audit.map(\.type) == [.imported, .imported, .imported, .imported])
    #expect(store.audit.allSatisfy { $0.before == nil && $0.after != nil && $0.actor == .sample })
    // What was past before is not told as if it happened now.
    #expect(registry.sweep(at: clock.now, by: .testSweeper).events.isEmpty)
  }

  @Test func `One key that is here already makes the whole import fail, or is left out`() throws {
    _ = try run([key("here")])
    let name = try refusal([key("new"), key("here", secret: "another")])
    #expect(name == .alreadyExists("keys[1].name is the name of a key that is here already"))
    let secret = try refusal([key("other", secret: "secret of here"), key("new")])
    #expect(secret == .alreadyExists("keys[0].secret is the secret of a key that is here already"))
    #expect(store.keys.count == 1 && registry.keyCount == 1)
    let outcome = try run(
      [key("other", secret: "secret of here"), key("new"), key("here", secret: "another")],
      ImportOptions(skipExisting: true))
    #expect(outcome == ImportOutcome(importedCount: 1, skippedCount: 2, revision: 2))
    #expect(verdict("secret of new") == .valid && verdict("another") == .notFound)
  }

  @Test(arguments: [false, true])
  func `Two entries with one name or one secret are refused, whatever is skipped`(skips: Bool) throws {
    let options = ImportOptions(skipExisting: skips)
    #expect(
      try refusal([key("a"), key("b"), key("a", secret: "x")], options)
        == .invalid(field: "keys[2].name", "is the name of keys[0] too"))
    #expect(
      try refusal([key("a"), key("b", secret: "secret of a")], options)
        == .invalid(field: "keys[1].secret", "is the secret of keys[0] too"))
    #expect(store.commitCount == 0)
  }

  @Test func `What is only checked changes nothing and finds the same`() throws {
    #expect(
      try run([key("a"), key("b")], ImportOptions(validateOnly: true))
        == ImportOutcome(importedCount: 2, skippedCount: 0, revision: 0))
    #expect(store.commitCount == 0)
    _ = try run([key("a")])
    #expect(try refusal([key("a")], ImportOptions(validateOnly: true)) != nil)
    #expect(
      try run([key("a"), key("b")], ImportOptions(skipExisting: true, validateOnly: true))
        == ImportOutcome(importedCount: 1, skippedCount: 1, revision: 1))
  }

  @Test func `The same request imports once and counts the same, after a restart too`() throws {
    let id = try RequestID("r")
    _ = try run([key("here")])
    clock.advance(seconds: 1)
    let keys = try [key("a"), key("here"), key("b")]
    let options = ImportOptions(skipExisting: true, requestID: id)
    let first = try run(keys, options)
    #expect(first == ImportOutcome(importedCount: 2, skippedCount: 1, revision: 3))
    clock.advance(seconds: 1)
    #expect(try run(keys, options) == first)
    // What is only checked is no attempt: everything is here.
    #expect(
      try run(keys, ImportOptions(skipExisting: true, validateOnly: true, requestID: id))
        == ImportOutcome(importedCount: 0, skippedCount: 3, revision: 3))
    #expect(throws: DomainError.self) { try run([key("c")], options) }
    let again = try Registry(store: store)
    #expect(try again.importKeys(ImportKeys(keys, options), by: .sample, at: clock.now) == first)
    #expect(store.keys.count == 3)
  }

  @Test func `A check leaves no attempt, and is answered as things are though the import was made`() throws {
    let id = try RequestID("r")
    _ = try run([key("a")], ImportOptions(validateOnly: true, requestID: id))
    #expect(try run([key("b")], ImportOptions(requestID: id)).importedCount == 1)
    #expect(try refusal([key("b")], ImportOptions(validateOnly: true, requestID: id)) != nil)
    #expect(try run([key("c")], ImportOptions(validateOnly: true, requestID: id)).importedCount == 1)
  }

  @Test func `Keys come with their limits, which count from the import on`() throws {
    let (rate, uses) = (try RateLimit(count: 2, periodSeconds: 60), try UseLimit(total: 3))
    let id = try RequestID("r")
    _ = try run([key("a", rateLimit: rate, useLimit: uses)], ImportOptions(requestID: id))
    #expect(store.keys.first?.key.rateLimit == rate && store.keys.first?.key.useLimit == uses)
    let question = Question(secret: Secret.text("secret of a").presented, permission: .chat)
    let verdicts = try (0..<3).map { _ in
      let reservations = try registry.reserve(for: [[question]], at: clock.now)
      return registry.judge([[question]], with: reservations, at: clock.now)[0]?.first?.verdict
    }
    #expect(verdicts == [.valid, .valid, .rateLimited])
    // Other limits are other content.
    let other = try refusal([key("a", rateLimit: rate)], ImportOptions(requestID: id))
    #expect(other?.message.hasPrefix("request_id was used for another request") == true)
  }

  @Test func `The secret of a deleted key is told to be that`() throws {
    _ = try run([key("a")])
    let id = try #require(store.keys.first?.key.id)
    _ = registry.commit([Command(ChangeRequest(.delete(id)), by: .sample)], at: clock.now)
    #expect(
      try refusal([key("a")])
        == .alreadyExists(
          "keys[0].secret is the secret of a deleted key: undelete that one, and it is good again"))
    #expect(try run([key("a")], ImportOptions(skipExisting: true)).skippedCount == 1)
  }

  @Test func `The SHA-256 of the empty text is of no secret`() {
    let digest = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(throws: DomainError.self) { try ImportCredential(digest: Digest(sha256: digest)) }
  }

  @Test func `A store that fails leaves nothing behind`() throws {
    store.failNextCommit(with: .exhausted("full"))
    #expect(try refusal([key("a"), key("b")]) == .exhausted("full"))
    #expect(verdict("secret of a") == .notFound && registry.keyCount == 0)
    #expect(try run([key("a"), key("b")]).importedCount == 2)
  }

  @Test func `There are from one to ten thousand keys in an import`() {
    #expect(throws: DomainError.self) { try ImportKeys([]) }
    #expect(throws: DomainError.self) { try ImportKeys(Array(repeating: key("a"), count: ImportKeys.maxCount + 1)) }
  }

  @Test(arguments: [
    ("", "is empty: give the secret or its SHA-256"), ("a\0b", "holds a NUL character, which nobody can present"),
    ("kw_chat_123", "begins with \"kw_\" and is none that keyward made: its form or checksum is wrong"),
    (
      String(repeating: "x", count: 513), "has 513 bytes: secrets of more than 512 are never good"
    ),
    (Secret.sample(1, for: .secureMail).text, "was made for another permission than chat"),
  ])
  func `A secret that could never be good is refused`(secret: String, reason: String) {
    #expect(throws: DomainError.invalid(field: "secret", reason)) { try key("a", secret: secret) }
  }

  @Test func `A secret in the place of a name or a creator is refused`() {
    let secret = Secret.sample(1).text
    #expect(throws: DomainError.self) { try key(secret) }
    #expect(throws: DomainError.self) { try key("a", creator: secret) }
    #expect(throws: DomainError.self) { try key("a", creator: "a\nb") }
    #expect(throws: DomainError.self) { try key("a", creator: String(repeating: "x", count: 129)) }
  }

  @Test(arguments: [
    ("0123456789012345678", "…"), ("01234567890123456789", "0123…6789"), ("abcdefghijklmnopqrstuvwx", "abcdefgh…uvwx"),
    ("ab cdefghijklmnopqrstuvwx", "…"), ("äbcdefghijklmnopqrstuvwx", "…"),
  ])
  func `A hint gives a short secret not away`(secret: String, hint: String) throws {
    #expect(try key("a", secret: secret).credential.hint == hint)
  }

  @Test func `A secret of keyward's own keeps its hint, and a digest has none`() throws {
    #expect(try key("a", secret: Secret.sample(1).text).credential.hint == Secret.sample(1).hint)
    #expect(try ImportCredential(digest: .sample(1)).hint == "sha256…")
  }
}
