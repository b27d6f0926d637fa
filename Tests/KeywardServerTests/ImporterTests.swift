import KeywardCore
import KeywardWire
import Synchronization
import TestSupport
import Testing

@testable import KeywardServer

/// Uploads as the server holds them, by a monotonic clock moved by hand.
@Suite struct ImporterTests {
  private final class Seconds: Sendable {
    let passed = Atomic<UInt64>(1000)
  }

  private let store = FakeStore()
  private let seconds = Seconds()
  private let registry: Registry

  init() throws {
    registry = try Registry(store: store)
  }

  private func importer(_ adjust: (inout Limits) -> Void = { _ in }) -> Importer {
    var limits = Limits()
    adjust(&limits)
    let clock = Clock(
      now: { .noon },
      monotonicNanoseconds: { [seconds] in seconds.passed.load(ordering: .relaxed) * 1_000_000_000 })
    return Importer(registry: registry, clock: clock, limits: limits)
  }

  private func wait(_ count: UInt64) {
    seconds.passed.add(count, ordering: .relaxed)
  }

  /// Sends keys of these names, each with a secret of its own.
  @discardableResult
  private func send(
    _ names: [String], _ portion: (id: String, number: Int, hasMore: Bool)?, to importer: Importer,
    options: ImportOptions = ImportOptions(), uid: UInt32 = 1
  ) throws -> ImportOutcome {
    var options = options
    options.portion = try portion.map { try ImportPortion(UploadID($0.id), number: $0.number, hasMore: $0.hasMore) }
    let keys = try names.map { name in
      try ImportKey(
        name: KeyName(name), permission: .chat, credential: ImportCredential(digest: Secret.text(name).digest))
    }
    return try importer.carryOut(
      ImportKeys(keys, options), by: Actor(uid: uid, user: "user \(uid)", pid: 1), at: .noon)
  }

  private func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      switch error as? DomainError {
      case .aborted: return "aborted"
      case .exhausted, .tooLarge, .crowded: return "exhausted"
      case .invalid(let field, _): return field
      case .alreadyExists: return "exists"
      default: return "\(error)"
      }
    }
  }

  private let nothing = ImportOutcome(importedCount: 0, skippedCount: 0, revision: 0)

  @Test func `An upload is held until its last portion, which makes all of it`() throws {
    let importer = importer()
    #expect(try send(["a", "b"], ("u", 0, true), to: importer) == nothing)
    #expect(try send(["c"], ("u", 1, true), to: importer) == nothing)
    #expect(importer.keyCount == 3 && store.commitCount == 0)
    #expect(
      try send(["d"], ("u", 2, false), to: importer)
        == ImportOutcome(importedCount: 4, skippedCount: 0, revision: 4))
    #expect(importer.keyCount == 0 && store.commitCount == 1 && store.keys.count == 4)
    #expect(code { try send(["e"], ("u", 3, false), to: importer) } == "aborted")
  }

  @Test func `An upload may have one portion, and a call none`() throws {
    let importer = importer()
    try send(["a"], ("u", 0, false), to: importer)
    try send(["b"], nil, to: importer)
    #expect(store.keys.count == 2)
  }

  @Test func `A portion that was lost or comes again is refused, and the upload goes on`() throws {
    let importer = importer()
    try send(["a"], ("u", 0, true), to: importer)
    try send(["b"], ("u", 1, true), to: importer)
    #expect(code { try send(["b"], ("u", 1, true), to: importer) } == "aborted")
    #expect(code { try send(["d"], ("u", 3, false), to: importer) } == "aborted")
    #expect(store.commitCount == 0)
    #expect(try send(["c"], ("u", 2, false), to: importer).importedCount == 3)
  }

  @Test func `Whoever was cut off begins again at once, under the same name or another`() throws {
    let importer = importer()
    for id in ["u", "u", "v"] { try send(["a", "b"], (id, 0, true), to: importer) }
    #expect(importer.keyCount == 2)
    #expect(code { try send(["c"], ("u", 1, false), to: importer) } == "aborted")
    #expect(try send(["c"], ("v", 1, false), to: importer).importedCount == 3)
  }

  @Test func `Another user's upload of the same name is another one`() throws {
    let importer = importer()
    try send(["a"], ("u", 0, true), to: importer, uid: 1)
    #expect(code { try send(["b"], ("u", 1, false), to: importer, uid: 2) } == "aborted")
    try send(["c"], ("u", 0, true), to: importer, uid: 2)
    #expect(try send(["b"], ("u", 1, false), to: importer, uid: 1).importedCount == 2)
    #expect(try send(["d"], ("u", 1, false), to: importer, uid: 2).importedCount == 2)
    #expect(store.keys.map(\.key.name.text) == ["a", "b", "c", "d"])
    #expect(store.keys.map(\.key.creator) == ["user 1", "user 1", "user 2", "user 2"])
  }

  @Test func `An upload that nobody has touched for 60 seconds is dropped`() throws {
    let importer = importer()
    try send(["a"], ("u", 0, true), to: importer)
    wait(59)
    try send(["b"], ("u", 1, true), to: importer)
    wait(59)
    importer.dropIdle()
    #expect(importer.keyCount == 2)
    wait(1)
    importer.dropIdle()
    #expect(importer.keyCount == 0)
    #expect(code { try send(["c"], ("u", 2, false), to: importer) } == "aborted")
    try send(["a"], ("u", 0, true), to: importer)
    wait(60)
    // Nobody has swept.
    #expect(code { try send(["c"], ("u", 1, false), to: importer) } == "aborted")
    #expect(store.commitCount == 0)
  }

  @Test func `What is refused ends its upload`() throws {
    let importer = importer()
    try send(["here"], nil, to: importer)
    let wrong: [(names: [String], options: ImportOptions, code: String)] = [
      (["a"], ImportOptions(), "keys[0].name"), (["here"], ImportOptions(), "exists"),
      (["b"], ImportOptions(skipExisting: true), "skip_existing"),
    ]
    for (names, options, expected) in wrong {
      try send(["a"], ("u", 0, true), to: importer)
      #expect(code { try send(names, ("u", 1, true), to: importer, options: options) } == expected)
      #expect(importer.keyCount == 0)
      #expect(code { try send(["b"], ("u", 1, false), to: importer) } == "aborted")
    }
    #expect(store.keys.count == 1)
  }

  @Test func `A store that fails at the end leaves neither keys nor the upload`() throws {
    let importer = importer()
    try send(["a"], ("u", 0, true), to: importer)
    store.failNextCommit(with: .exhausted("full"))
    #expect(code { try send(["b"], ("u", 1, false), to: importer) } == "exhausted")
    #expect(importer.keyCount == 0 && store.keys.isEmpty)
  }

  @Test func `What is only checked makes nothing`() throws {
    let importer = importer()
    let options = ImportOptions(validateOnly: true)
    try send(["a"], ("u", 0, true), to: importer, options: options)
    #expect(try send(["b"], ("u", 1, false), to: importer, options: options).importedCount == 2)
    #expect(store.commitCount == 0 && importer.keyCount == 0)
  }

  @Test func `While the last portion is at the store, questions are answered and changes wait`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    func portion(_ number: Int, hasMore: Bool) throws -> OutgoingRequest {
      let secret = Secret.text("secret \(number)")
      let key = try ImportKey(
        name: KeyName("n\(number)"), permission: .chat, credential: ImportCredential(digest: secret.digest))
      let portion = try ImportPortion(UploadID("u"), number: number, hasMore: hasMore)
      return .importKeys([KeyToImport(key, secret: nil)], ImportOptions(portion: portion))
    }
    #expect(throws: Never.self) { try peer.call(portion(0, hasMore: true)).get() }
    server.gate.shut()
    peer.send(try peer.frame(portion(1, hasMore: false), stream: 1))
    try server.gate.waitForArrival()
    let other = try server.connect()
    other.send(try other.create("k", stream: 3))
    #expect(throws: Never.self) { try other.call(.listKeys(ListQuery())).get() }
    guard case .validateKey(let before) = try other.call(.validateKey(.text("secret 0"), .chat, asOf: nil)).get() else {
      Issue.record("no verdict")
      return
    }
    #expect(before.verdict == .notFound)
    server.gate.open()
    guard case .importKeys(let outcome) = try #require(try peer.receive(.importKeys)).1.get() else {
      Issue.record("no counts")
      return
    }
    #expect(outcome == ImportOutcome(importedCount: 2, skippedCount: 0, revision: 2))
    #expect(try #require(try other.receive(.createKey)).stream == 3)
    #expect(server.store.keys.map(\.key.name.text) == ["n0", "n1", "k"])
  }

  @Test func `Uploads have a common limit of keys, and the last portion counts`() throws {
    let importer = importer { $0.uploadedKeys = 4 }
    try send(["a", "b"], ("u", 0, true), to: importer, uid: 1)
    #expect(code { try send(["c", "d", "e"], ("u", 0, true), to: importer, uid: 2) } == "exhausted")
    try send(["c"], ("u", 0, true), to: importer, uid: 2)
    #expect(code { try send(["d", "e", "f"], ("u", 1, false), to: importer, uid: 1) } == "exhausted")
    #expect(importer.keyCount == 1)
    #expect(code { try send(["1", "2", "3", "4", "5"], ("u", 0, false), to: importer, uid: 3) } == "exhausted")
    // A call that is the whole import is held by nobody.
    #expect(try send(["1", "2", "3", "4", "5"], nil, to: importer, uid: 3).importedCount == 5)
    #expect(try send(["d", "e", "f"], ("u", 1, false), to: importer, uid: 2).importedCount == 4)
  }

  @Test func `Few uploads are under way at once, and those that are go on`() throws {
    let importer = importer { $0.uploads = 2 }
    try send(["a"], ("u", 0, true), to: importer, uid: 1)
    try send(["b"], ("u", 0, true), to: importer, uid: 2)
    #expect(code { try send(["c"], ("u", 0, true), to: importer, uid: 3) } == "exhausted")
    try send(["d"], ("u", 1, true), to: importer, uid: 1)
    try send(["a"], ("v", 0, true), to: importer, uid: 1)
    wait(60)
    try send(["c"], ("u", 0, true), to: importer, uid: 3)
    #expect(importer.keyCount == 1)
  }
}
