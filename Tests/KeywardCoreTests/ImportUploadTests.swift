import KeywardCore
import TestSupport
import Testing

/// Imports that come in portions.
@Suite struct ImportUploadTests {
  let store = FakeStore()
  let clock = ManualClock()
  let registry: Registry

  init() throws {
    registry = try Registry(store: store)
  }

  private func key(_ name: String, secret: String? = nil) throws -> ImportKey {
    try ImportKey(
      name: KeyName(name), permission: .chat,
      credential: Secret.text(secret ?? "secret of \(name)").withUnsafeBytes {
        try ImportCredential(secret: $0, for: .chat)
      })
  }

  /// Sends all portions, the last of which has them imported.
  private func run(_ portions: [[ImportKey]], _ options: ImportOptions = ImportOptions()) throws -> ImportOutcome {
    var upload = ImportUpload(options)
    for portion in portions.dropLast() {
      try registry.add(ImportKeys(portion, options), to: &upload, by: .sample, at: clock.now)
    }
    if let last = portions.last { try upload.append(ImportKeys(last, options)) }
    return try registry.importKeys(upload, by: .sample, at: clock.now)
  }

  private func refusal(_ portions: [[ImportKey]], _ options: ImportOptions = ImportOptions()) -> DomainError? {
    #expect(throws: DomainError.self) { try run(portions, options) }
  }

  @Test func `Portions are made in one transaction, in their order, and not before the last`() throws {
    var upload = ImportUpload(ImportOptions())
    try registry.add(ImportKeys([key("a"), key("b")]), to: &upload, by: .sample, at: clock.now)
    #expect(store.commitCount == 0 && registry.keyCount == 0)
    try upload.append(ImportKeys([key("c")]))
    #expect(
      try registry.importKeys(upload, by: .sample, at: clock.now)
        == ImportOutcome(importedCount: 3, skippedCount: 0, revision: 3))
    #expect(store.commitCount == 1)
    #expect(store.keys.map(\.key.name.text) == ["a", "b", "c"])
    #expect(store.keys.map(\.key.revision) == [1, 2, 3])
    #expect(Set(store.keys.map(\.key.id)).count == 3)
    for stored in store.keys { #expect(try registry.key(id: stored.key.id, at: clock.now).key == stored.key) }
    #expect(
      registry.validate(Secret.text("secret of c").presented, for: .chat, at: clock.now)?.verdict == .valid)
  }

  @Test func `Doubles are found in other portions and in the same, and named`() throws {
    #expect(
      try refusal([[key("a"), key("b")], [key("c"), key("b", secret: "x")]])
        == .invalid(field: "keys[1].name", "is the name of portions[0].keys[1] too"))
    #expect(
      try refusal([[key("a")], [key("b")], [key("c", secret: "secret of a")], [key("d")]])
        == .invalid(field: "keys[0].secret", "is the secret of portions[0].keys[0] too"))
    #expect(
      try refusal([[key("a")], [key("b"), key("b", secret: "x")]])
        == .invalid(field: "keys[1].name", "is the name of keys[0] too"))
    #expect(store.commitCount == 0)
  }

  @Test func `Among many keys in small portions each double is found`() throws {
    var upload = ImportUpload(ImportOptions())
    for start in stride(from: 0, to: 700, by: 7) {
      try upload.append(ImportKeys((start..<start + 7).map { try key("n\($0)") }))
    }
    #expect(upload.keyCount == 700)
    for number in [0, 6, 7, 350, 699] {
      var upload = upload
      let error = #expect(throws: DomainError.self) {
        try upload.append(ImportKeys([key("n\(number)", secret: "x")]))
      }
      let double = "portions[\(number / 7)].keys[\(number % 7)]"
      #expect(error == .invalid(field: "keys[0].name", "is the name of \(double) too"))
    }
  }

  @Test func `A key that is here already is told of with its own portion`() throws {
    _ = try run([[key("here")]])
    #expect(
      try refusal([[key("a"), key("here", secret: "x")], [key("b")]])
        == .alreadyExists("keys[1].name is the name of a key that is here already"))
    #expect(
      try refusal([[key("a")], [key("b"), key("c", secret: "secret of here")]])
        == .alreadyExists("keys[1].secret is the secret of a key that is here already"))
    #expect(registry.keyCount == 1)
  }

  @Test func `A name that is taken meanwhile stops all of it at the end`() throws {
    var upload = ImportUpload(ImportOptions())
    try registry.add(ImportKeys([key("a"), key("b")]), to: &upload, by: .sample, at: clock.now)
    _ = try run([[key("b", secret: "another")]])
    try upload.append(ImportKeys([key("c")]))
    #expect(throws: DomainError.alreadyExists("portions[0].keys[1].name is the name of a key that is here already")) {
      try registry.importKeys(upload, by: .sample, at: clock.now)
    }
    #expect(store.keys.map(\.key.name.text) == ["b"] && registry.keyCount == 1)
  }

  @Test func `What only the store knows of is told of with its portion, and stops all of it`() throws {
    // As if another process had made it: the registry has loaded the store before.
    let other = try Registry(store: store)
    _ = try other.importKeys(ImportKeys([key("b", secret: "another")]), by: .sample, at: clock.now)
    #expect(
      try refusal([[key("a"), key("b")], [key("c")]])
        == .alreadyExists("portions[0].keys[1].name is the name of a key that is here already"))
    #expect(store.keys.count == 1 && registry.keyCount == 0)
  }

  @Test func `Keys that are here are left out of every portion where that is wanted`() throws {
    _ = try run([[key("a"), key("d")]])
    let outcome = try run([[key("a"), key("b")], [key("c"), key("d")]], ImportOptions(skipExisting: true))
    #expect(outcome == ImportOutcome(importedCount: 2, skippedCount: 2, revision: 4))
    #expect(store.keys.map(\.key.name.text) == ["a", "d", "b", "c"])
  }

  @Test func `What is only checked makes nothing and finds the same`() throws {
    let options = ImportOptions(validateOnly: true)
    let outcome = try run([[key("a")], [key("b")]], options)
    #expect(outcome == ImportOutcome(importedCount: 2, skippedCount: 0, revision: 0))
    #expect(store.commitCount == 0)
    _ = try run([[key("b")]])
    #expect(try refusal([[key("a")], [key("b")]], options) != nil)
  }

  @Test func `A portion out of its turn is refused, naming the one that is expected`() throws {
    var upload = ImportUpload(ImportOptions())
    try upload.append(ImportKeys([key("a")]))
    let id = try UploadID("u")
    for number in [0, 2, Int(Int32.max)] {
      #expect(
        throws: DomainError.aborted("portion is \(number), and portion 1 of the upload is the next: send that")
      ) {
        try upload.checkTurn(of: ImportPortion(id, number: number, hasMore: true))
      }
    }
    try upload.checkTurn(of: ImportPortion(id, number: 1, hasMore: true))
  }

  @Test func `All portions say the same of the whole`() throws {
    let others = [
      ("skip_existing", ImportOptions(skipExisting: true)), ("validate_only", ImportOptions(validateOnly: true)),
      ("request_id", ImportOptions(requestID: try RequestID("r"))),
    ]
    for (field, options) in others {
      var upload = ImportUpload(ImportOptions())
      try upload.append(ImportKeys([key("a")]))
      let error = #expect(throws: DomainError.self) { try upload.append(ImportKeys([key("b")], options)) }
      #expect(error == .invalid(field: field, "is not what portion 0 has: give the same in all portions"))
    }
  }

  @Test(arguments: [false, true])
  func `The same request imports once, in whatever portions, after a restart too`(skips: Bool) throws {
    let keys = try (0..<5).map { try key("n\($0)") }
    let options = ImportOptions(skipExisting: skips, requestID: try RequestID("r"))
    let first = try run([Array(keys[..<2]), Array(keys[2...])], options)
    #expect(first == ImportOutcome(importedCount: 5, skippedCount: 0, revision: 5))
    clock.advance(seconds: 60)
    #expect(try run([Array(keys[..<2]), Array(keys[2...])], options) == first)
    #expect(try run([Array(keys[..<4]), Array(keys[4...])], options) == first)
    #expect(try run([keys], options) == first)
    let error = refusal([Array(keys[..<2]), Array(keys[2..<4])], options)
    #expect(error == .invalid(field: "request_id", "was used for another request in the last 24 hours: take a new one"))
    let again = try Registry(store: store)
    #expect(try again.importKeys(ImportKeys(keys, options), by: .sample, at: clock.now) == first)
    #expect(store.commitCount == 1)
  }

  @Test func `A store that fails leaves nothing behind`() throws {
    store.failNextCommit(with: .exhausted("full"))
    #expect(try refusal([[key("a")], [key("b")]]) == .exhausted("full"))
    #expect(registry.keyCount == 0 && store.keys.isEmpty)
    #expect(try run([[key("a")], [key("b")]]).importedCount == 2)
  }

  @Test func `Names of uploads and numbers of portions have bounds`() throws {
    #expect(throws: DomainError.self) { try UploadID("") }
    #expect(throws: DomainError.self) { try UploadID("a\n") }
    #expect(throws: DomainError.self) { try UploadID(String(repeating: "x", count: 129)) }
    let id = try UploadID(String(repeating: "x", count: 128))
    #expect(throws: DomainError.self) { try ImportPortion(id, number: -1, hasMore: true) }
  }
}
