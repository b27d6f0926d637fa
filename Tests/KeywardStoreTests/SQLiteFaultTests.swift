import Foundation
import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What a store says when its disk or its database fails it.
@Suite struct SQLiteFaultTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @Test("A full disk makes nothing of the batch, harms nothing before it, and passes")
  func full() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    try store.limitPages(to: 1)
    let before = try store.contents()
    let error = #expect(throws: StoreError.self) {
      _ = try store.commit((2...500).map { .insert($0) }, at: Instant.noon.adding(seconds: 1))
    }
    guard case .exhausted? = error else {
      Issue.record("\(String(describing: error)) is not about room")
      return
    }
    #expect(try store.contents().keys.count == 1)
    #expect(try store.contents().mark == before.mark)
    try store.limitPages(to: 100_000)
    #expect(try store.commit([.insert(2)], at: .noon) == [.success(Placement(ordinal: 2, revision: 2))])
    store.close()
    #expect(try SQLiteStore(path: folder.database).contents().keys.count == 2)
  }

  @Test("A disk that fills up among changes that go together makes none of them, and passes")
  func fullTogether() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commitTogether([.insert(1)], at: .noon).get()
    try store.limitPages(to: 60)
    var asked = 0
    let changes = (2...500).lazy.map { number -> Change in
      asked = number
      return .insert(number)
    }
    let error = #expect(throws: StoreError.self) { _ = try store.commitTogether(changes, at: .noon) }
    guard case .exhausted? = error else {
      Issue.record("\(String(describing: error)) is not about room")
      return
    }
    #expect((3..<500).contains(asked), "it was full at once, or never: \(asked)")
    #expect(try store.contents().keys.count == 1)
    #expect(try store.audit().count == 1)
    try store.limitPages(to: 100_000)
    #expect(try store.commitTogether(changes, at: .noon).get().last?.revision == 500)
    store.close()
    #expect(try SQLiteStore(path: folder.database).contents().keys.count == 500)
  }

  /// Bytes that the file takes of a commit before it takes no more: none, a page or two, and all but the last pages.
  @Test(
    "What the log's file does not take at the sync was never made, and stops the store", arguments: [0, 6000, 30_000])
  func failingSync(_ room: Int) async throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    let old = try store.contents()
    store.close()
    let path = folder.database
    // In a process of its own, for all that it writes is limited.
    await #expect(processExitsWith: .success) { [path = path as String, room = room as Int] in
      let store = try SQLiteStore(path: path)
      _ = try store.commit([.insert(2)], at: .noon)
      let before = try store.contents()
      #expect(throws: StoreError.self) {
        try limitingFiles(to: try byteCount(of: path + "-wal") + room) {
          _ = try store.commit([.insert(3), .insert(4)], at: Instant.noon.adding(seconds: 1))
        }
      }
      let after = try store.contents()
      #expect(after.keys == before.keys)
      #expect(after.mark == before.mark)
      #expect(try store.audit().map(\.revision) == [1, 2])
      let refusal = #expect(throws: StoreError.self) { _ = try store.commit([.insert(3)], at: .noon) }
      #expect(refusal?.message.contains("its disk failed") == true)
      store.close()
    }
    #expect(try folder.names() == ["keyward.db", "keyward.db-wal"], "the log is kept for the next opening")
    let again = try SQLiteStore(path: path)
    #expect(try again.contents().keys.map(\.key.id) == [.sample(1), .sample(2)])
    #expect(try again.contents().mark == StoreMark(revision: 2, latestInstant: old.mark.latestInstant))
    #expect(try again.verifyAudit().isSound)
    #expect(try again.commit([.insert(3)], at: .noon) == [.success(Placement(ordinal: 3, revision: 3))])
  }

  @Test("A batch that outgrew the cache and was taken back leaves nothing, at once and after a crash")
  func spilled() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    let before = try store.contents()
    let log = folder.database + "-wal"
    let written = try byteCount(of: log)
    // The last one breaks a rule of the tables, which only the store finds.
    let misfit = Change.insert(20_000, name: String(repeating: "x", count: 240))
    #expect(throws: StoreError.self) {
      _ = try store.commit((2..<20_000).map { .insert($0) } + [misfit], at: Instant.noon.adding(seconds: 1))
    }
    #expect(try byteCount(of: log) > written + 1_000_000, "no page went to the log before its time")
    #expect(try store.contents().keys == before.keys)
    #expect(try store.contents().mark == before.mark)
    #expect(try store.commit([.insert(2)], at: .noon) == [.success(Placement(ordinal: 2, revision: 2))])
    #expect(try store.contents().keys.map(\.key.id) == [.sample(1), .sample(2)])
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    store.close()
    let crashed = try SQLiteStore(path: copy.database)
    #expect(try crashed.contents().keys.map(\.key.id) == [.sample(1), .sample(2)])
    #expect(try crashed.verifyAudit().isSound)
  }

  /// Statements that make a sound database say what keyward never would.
  static let damage = [
    ("UPDATE key SET id = 'key_ABCDEFGHIJ-123456789' WHERE ordinal = 2", "row 2 of table key has no proper id"),
    ("UPDATE key SET name = '' WHERE ordinal = 2", "its pages"),
    ("UPDATE key SET permission = 3 WHERE ordinal = 2", "its pages"),
    ("UPDATE key SET enabled = 2 WHERE ordinal = 2", "its pages"),
    ("UPDATE key SET expire_time = -1 WHERE ordinal = 2", "its pages"),
    ("UPDATE key SET revision = 99 WHERE ordinal = 2", "row 2 of table key has no proper revision"),
    ("UPDATE key SET creator = CAST(x'C3' AS TEXT) WHERE ordinal = 2", "row 2 of table key has no proper creator"),
    ("UPDATE digest SET digest = x'00' WHERE key = 2", "its pages"),
    ("DELETE FROM digest WHERE key = 2", "row 2 of table key has no proper digest"),
    ("UPDATE digest SET until = 5 WHERE key = 2", "row 2 of table key has no proper digest"),
    (
      "DROP INDEX own_digest; INSERT INTO digest VALUES (zeroblob(32), 2, NULL)", "row 2 of table key has two digests"
    ),
    ("INSERT INTO digest VALUES (zeroblob(32), 2, -1)", "its pages"),
    ("INSERT INTO digest VALUES (zeroblob(32), 77, NULL)", "table digest has rows of no key"),
    ("UPDATE key SET copy_base = CAST(x'C3' AS TEXT) WHERE ordinal = 2", "row 2 of table key has no proper copy_base"),
    ("UPDATE store SET revision = -1", "its pages"),
    ("DELETE FROM store", "damaged"),
  ]

  @Test("A row that was never so written is found at the start, and its values are not told", arguments: damage)
  func damagedRows(_ sql: String, _ finding: String) throws {
    let made = try SQLiteStore(path: folder.database)
    _ = try made.commit((1...3).map { .insert($0, name: "confidential") } + [.insert(2), .insert(3)], at: .noon)
    made.close()
    let raw = try RawDatabase(folder.database)
    try raw.execute("PRAGMA journal_mode = DELETE; PRAGMA ignore_check_constraints = ON; \(sql)")
    let message: String
    do {
      let store = try SQLiteStore(path: folder.database)
      message = try #require(#expect(throws: StoreError.self) { try store.contents() }).message
    } catch let error as StoreOpenError {
      message = error.message
    }
    #expect(message.contains(finding))
    #expect(message.contains("damaged"))
    #expect(!message.contains("confidential"))
  }

  /// Statements that make a sound audit, or sound attempts, say what keyward never would.
  static let furtherDamage = [
    ("UPDATE audit SET after = after || char(9) WHERE revision = 2", "row 2 of table audit has no proper after"),
    ("UPDATE audit SET before = '' WHERE revision = 2", "row 2 of table audit has no proper before"),
    (
      "UPDATE audit SET before = (SELECT after FROM audit WHERE revision = 1) WHERE revision = 2",
      "row 2 of table audit has no proper before"
    ),
    ("UPDATE audit SET after = replace(after, 'confidential', 'x' || char(9))", "table audit has no proper after"),
    ("UPDATE audit SET after = replace(after, 'confidential', 'x\\y')", "table audit has no proper after"),
    ("UPDATE audit SET type = 200 WHERE revision = 2", "row 2 of table audit has no proper type"),
    ("UPDATE audit SET key_id = upper(key_id) WHERE revision = 2", "row 2 of table audit has no proper key_id"),
    ("UPDATE audit SET user = CAST(x'C3' AS TEXT) WHERE revision = 2", "row 2 of table audit has no proper user"),
    ("UPDATE audit SET time = -1 WHERE revision = 2", "its pages"),
    ("UPDATE audit SET uid = -1 WHERE revision = 2", "its pages"),
    ("UPDATE audit SET before = NULL, after = NULL WHERE revision = 2", "its pages"),
    ("UPDATE attempt SET request_id = char(7)", "row 1 of table attempt has no proper request_id"),
    ("UPDATE attempt SET key_id = upper(key_id)", "row 1 of table attempt has no proper key_id"),
    ("UPDATE attempt SET uid = 4294967296", "its pages"),
    ("UPDATE attempt SET fingerprint = x'00'", "its pages"),
    ("UPDATE attempt SET request_id = ''", "its pages"),
  ]

  @Test("A row of the audit or an attempt that was never so written is found when it is read", arguments: furtherDamage)
  func furtherDamagedRows(_ sql: String, _ finding: String) throws {
    let made = try SQLiteStore(path: folder.database)
    let attempt = AttemptID(uid: 1, requestID: RequestID(checked: "confidential"), fingerprint: .sample(1))
    let insert = Change.Effect.insert(.sample(1, name: "confidential"), .sample(1))
    try made.make(Change(insert, type: .created, by: .sample, before: nil, attempt: attempt))
    try made.make(.insert(2))
    made.close()
    let raw = try RawDatabase(folder.database)
    try raw.execute("PRAGMA journal_mode = DELETE; PRAGMA ignore_check_constraints = ON; \(sql)")
    let message: String
    do {
      let store = try SQLiteStore(path: folder.database)
      _ = try store.contents()
      let error = #expect(throws: StoreError.self) {
        _ = try store.attempts()
        _ = try store.audit()
      }
      message = try #require(error).message
    } catch let error as StoreOpenError {
      message = error.message
    }
    #expect(message.contains(finding))
    #expect(message.contains("damaged"))
    #expect(!message.contains("confidential"))
  }

  @Test("A value that breaks a rule of the tables fails its batch, and the store goes on")
  func misfit() throws {
    let store = try SQLiteStore(path: folder.database)
    let error = #expect(throws: StoreError.self) {
      _ = try store.commit([.insert(1), .insert(2, name: String(repeating: "confidential", count: 20))], at: .noon)
    }
    #expect(error?.message == "the store's tables do not take what keyward keeps (constraint failed)")
    #expect(try store.contents().keys.isEmpty)
    #expect(try store.commit([.insert(1)], at: .noon) == [.success(Placement(ordinal: 1, revision: 1))])
  }

  @Test("An empty commit records the instant")
  func emptyCommit() throws {
    let store = try SQLiteStore(path: folder.database)
    #expect(try store.commit([], at: .noon).isEmpty)
    #expect(try store.contents().mark == StoreMark(revision: 0, latestInstant: .noon))
  }
}

private func byteCount(of path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return try #require(attributes[.size] as? Int)
}

/// Carries out `body` while no file of this process may grow past so many bytes.
private func limitingFiles(to byteCount: Int, _ body: () throws -> Void) throws {
  // Else the signal ends the process.
  signal(SIGXFSZ, SIG_IGN)
  var limit = rlimit()
  try #require(getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
  let former = limit.rlim_cur
  limit.rlim_cur = rlim_t(byteCount)
  try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
  defer {
    limit.rlim_cur = former
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  }
  try body()
}
