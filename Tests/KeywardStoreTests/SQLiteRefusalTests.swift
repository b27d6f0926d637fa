import CSQLite
import Foundation
import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What a store must not open, and must not change by a byte.
@Suite struct SQLiteRefusalTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A closed store's database with a hundred keys.
  private func makeDatabase() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit((1...100).map { .insert($0) }, at: .noon)
    store.close()
  }

  private func expectRefusal(
    _ error: StoreOpenError, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.snapshot()
    #expect(throws: error, sourceLocation: sourceLocation) { try SQLiteStore(path: folder.database) }
    #expect(try folder.snapshot() == before, "a refused file must stay as it was", sourceLocation: sourceLocation)
  }

  private func expectDamage(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try folder.snapshot()
    let error = #expect(throws: StoreOpenError.self, sourceLocation: sourceLocation) {
      try SQLiteStore(path: folder.database)
    }
    guard case .damaged? = error else {
      Issue.record("\(String(describing: error)) is not about damage", sourceLocation: sourceLocation)
      return
    }
    #expect(try folder.snapshot() == before, "a refused file must stay as it was", sourceLocation: sourceLocation)
  }

  @Test(
    "A file of another program is not touched", arguments: ["hello\n", "x", String(repeating: "long ", count: 5000)])
  func foreignFile(_ text: String) throws {
    try folder.write(Data(text.utf8), to: "keyward.db")
    try expectRefusal(.foreign(folder.database))
  }

  @Test("A SQLite database of another program is not touched, with or without an id of its own")
  func foreignDatabase() throws {
    try RawDatabase(folder.database).execute("PRAGMA user_version = 1; CREATE TABLE key (id)")
    try expectRefusal(.foreign(folder.database))
    try RawDatabase(folder.database).execute("PRAGMA application_id = 252006673")
    try expectRefusal(.foreign(folder.database))
    try RawDatabase(folder.database).execute("PRAGMA journal_mode = WAL; INSERT INTO key VALUES (1)")
    try expectRefusal(.foreign(folder.database))
  }

  @Test("A foreign file with a journal that undoes something of its own is not touched")
  func foreignJournal() throws {
    let raw = try RawDatabase(folder.database)
    try raw.execute("CREATE TABLE t (b)")
    try raw.execute("PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN")
    try raw.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) INSERT INTO t SELECT zeroblob(3000) FROM n"
    )
    let files = try folder.snapshot()
    #expect(files.keys.sorted() == ["keyward.db", "keyward.db-journal"])
    let copy = try TemporaryFolder()
    try copy.write(files)
    #expect(throws: StoreOpenError.foreign(copy.database)) { try SQLiteStore(path: copy.database) }
    #expect(try copy.snapshot() == files)
  }

  @Test("A newer keyward's database is not touched")
  func newer() throws {
    try makeDatabase()
    try RawDatabase(folder.database).execute("PRAGMA journal_mode = DELETE; PRAGMA user_version = 7")
    try expectRefusal(.newer(folder.database, version: 7, known: 3))
  }

  @Test("A newer keyward's database is not touched where only its log says so")
  func newerInLog() throws {
    try makeDatabase()
    try RawDatabase(folder.database).execute("PRAGMA user_version = 7")
    #expect(try folder.snapshot()["keyward.db"]?[60..<64] == Data([0, 0, 0, 3]))
    #expect(try folder.snapshot()["keyward.db-wal"] != nil)
    try FileManager.default.removeItem(atPath: folder.database + "-shm")
    try expectRefusal(.newer(folder.database, version: 7, known: 3))
  }

  @Test("A database cut short is not touched", arguments: [50, 99, 100, 4096, 4097, 10_000])
  func truncated(_ count: Int) throws {
    try makeDatabase()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    try folder.write(bytes.prefix(count), to: "keyward.db")
    try expectDamage()
  }

  @Test("A database with overwritten pages is not touched")
  func overwritten() throws {
    try makeDatabase()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    for page in 1..<bytes.count / 4096 {
      var damaged = bytes
      damaged.replaceSubrange(page * 4096..<page * 4096 + 512, with: Data(repeating: 0xA5, count: 512))
      try folder.write(damaged, to: "keyward.db")
      try expectDamage()
    }
  }

  @Test("Tables that are not keyward's are refused, though the header is")
  func otherTables() throws {
    let raw = try RawDatabase(folder.database)
    try raw.execute("PRAGMA application_id = 1264013892; PRAGMA user_version = 1; CREATE TABLE key (id)")
    try expectDamage()
    try raw.execute("PRAGMA user_version = 0")
    try expectDamage()
    try raw.execute("PRAGMA user_version = -1")
    try expectDamage()
  }

  @Test("A log without its database is not thrown away")
  func logAlone() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    let files = try folder.snapshot()
    store.close()
    let copy = try TemporaryFolder()
    let log = try #require(files["keyward.db-wal"])
    try copy.write(log, to: "keyward.db-wal")
    let missing = StoreOpenError.damaged(copy.database, "it is missing, though keyward.db-wal holds changes to it")
    #expect(throws: missing) { try SQLiteStore(path: copy.database) }
    try copy.write(Data(), to: "keyward.db")
    let empty = StoreOpenError.damaged(copy.database, "it is empty, though keyward.db-wal holds changes to it")
    #expect(throws: empty) { try SQLiteStore(path: copy.database) }
    #expect(try copy.snapshot() == ["keyward.db-wal": log])
  }

  @Test("A second store cannot open what the first one holds, and does not disturb it")
  func heldBySecondStore() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    try expectRefusal(.inUse(folder.database))
    _ = try store.commit([.insert(2)], at: .noon)
    try expectRefusal(.inUse(folder.database))
    store.close()
    #expect(try SQLiteStore(path: folder.database).contents().keys.count == 2)
  }

  @Test("Another program cannot read or write what a store holds, even after a second store was refused")
  func heldAgainstOthers() async throws {
    let store = try SQLiteStore(path: folder.database)
    #expect(throws: StoreOpenError.inUse(folder.database)) { try SQLiteStore(path: folder.database) }
    let path = folder.database
    await #expect(processExitsWith: .success) { [path = path as String] in
      let error = #expect(throws: StoreOpenError.self) { try SQLiteStore(path: path) }
      #expect(error == .inUse(path))
      #expect(throws: RawDatabase.Failure.self) { try RawDatabase(path).number("SELECT count(*) FROM key") }
    }
    store.close()
  }
}
