import CSQLite
import Foundation
import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What a store leaves on the disk, and what it finds there again.
@Suite struct SQLiteFilesTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @Test("A new database and the files beside it are for their owner alone")
  func modes() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    #expect(try folder.names() == ["keyward.db", "keyward.db-wal"])
    for name in try folder.names() { #expect(try folder.mode(of: name) == 0o600, "\(name)") }
    store.close()
  }

  @Test("Closing leaves the database file and nothing else, however often it is called")
  func closing() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    store.close()
    store.close()
    #expect(try folder.names() == ["keyward.db"])
    #expect(throws: StoreError.unavailable("the store is closed")) { try store.commit([.insert(2)], at: .noon) }
    #expect(throws: StoreError.unavailable("the store is closed")) { try store.contents() }
  }

  @Test("A store that is let go of closes")
  func droppedStore() throws {
    do {
      let store = try SQLiteStore(path: folder.database)
      _ = try store.commit([.insert(1)], at: .noon)
    }
    #expect(try folder.names() == ["keyward.db"])
    #expect(try SQLiteStore(path: folder.database).contents().keys.count == 1)
  }

  @Test("The file's own header says whose it is before anything is committed")
  func header() throws {
    let store = try SQLiteStore(path: folder.database)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    #expect(bytes[60..<64] == Data([0, 0, 0, 3]))
    #expect(bytes[68..<72] == Data("KWRD".utf8))
    #expect(bytes[18..<20] == Data([2, 2]), "write-ahead log")
    store.close()
  }

  @Test("After a crash everything committed is there, from the log alone")
  func crash() throws {
    let store = try SQLiteStore(path: folder.database)
    let empty = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    for number in 1...20 { _ = try store.commit([.insert(number)], at: .noon) }
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    #expect(try copy.snapshot()["keyward.db"] == empty, "the commits are in the log")
    let again = try SQLiteStore(path: copy.database)
    let (keys, mark) = try again.contents()
    #expect(keys.map(\.key.id) == (1...20).map { .sample($0) })
    #expect(mark == StoreMark(revision: 20, latestInstant: .noon))
    #expect(try again.commit([.insert(21)], at: .noon) == [.success(Placement(ordinal: 21, revision: 21))])
    store.close()
  }

  @Test("What a killed process had committed is there, and its lock is not")
  func killed() async throws {
    let path = folder.database
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let store = try SQLiteStore(path: path)
      for number in 1...5 { _ = try store.commit([.insert(number)], at: .noon) }
      kill(getpid(), SIGKILL)
    }
    let (keys, mark) = try SQLiteStore(path: folder.database).contents()
    #expect(keys.map(\.key.id) == (1...5).map { .sample($0) })
    #expect(mark.revision == 5)
  }

  @Test("Opening writes back what another process left in the log, so that nothing rests on it")
  func leftoverLog() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    store.close()
    let again = try SQLiteStore(path: copy.database)
    #expect(try copy.snapshot().keys.sorted() == ["keyward.db"], "the log is empty")
    again.close()
  }

  @Test("A commit of many more pages than are written at once is whole after a crash")
  func crashAfterLargeCommit() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit((1...3000).map { .insert($0) }, at: .noon)
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    store.close()
    let crashed = try SQLiteStore(path: copy.database)
    #expect(try crashed.contents().keys.count == 3000)
    #expect(try crashed.verifyAudit().isSound)
  }

  @Test("A commit cut off in the log was never made; the ones before it were")
  func tornLog() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    _ = try store.commit([.insert(2)], at: .noon)
    var files = try folder.snapshot()
    store.close()
    files["keyward.db-wal"]?.removeLast(100)
    let copy = try TemporaryFolder()
    try copy.write(files)
    let (keys, mark) = try SQLiteStore(path: copy.database).contents()
    #expect(keys.map(\.key.id) == [.sample(1)])
    #expect(mark.revision == 1)
  }

  @Test("The log is written back once it is long, and stays bounded")
  func checkpoint() throws {
    let store = try SQLiteStore(path: folder.database)
    for batch in 0..<60 {
      _ = try store.commit((1...100).map { .insert(batch * 100 + $0) }, at: .noon)
      store.tidy()
    }
    let sizes = try folder.snapshot().mapValues(\.count)
    #expect(try #require(sizes["keyward.db"]) > 1_000_000)
    #expect(try #require(sizes["keyward.db-wal"]) < 40_000_000)
    store.close()
  }

  @Test("An empty file is as good as none")
  func emptyFile() throws {
    try folder.write(Data(), to: "keyward.db")
    let store = try SQLiteStore(path: folder.database)
    #expect(try store.commit([.insert(1)], at: .noon).count == 1)
  }

  @Test("A creation that was cut off at its commit starts over")
  func unfinishedCreation() throws {
    let raw = try RawDatabase(folder.database)
    // As at a power cut: pages have been written, and the journal that undoes them is synced.
    try raw.execute("PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (b)")
    try raw.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) INSERT INTO t SELECT zeroblob(3000) FROM n"
    )
    var files = try folder.snapshot()
    #expect(files.keys.sorted() == ["keyward.db", "keyward.db-journal"])
    files["keyward.db"]?.replaceSubrange(0..<4096, with: Data(count: 4096))
    let copy = try TemporaryFolder()
    try copy.write(files)
    let store = try SQLiteStore(path: copy.database)
    #expect(try store.contents().keys.isEmpty)
    _ = try store.commit([.insert(1)], at: .noon)
    store.close()
    #expect(try copy.names() == ["keyward.db"])
  }

  @Test("A creation cut off between its commit and the log goes on from there")
  func creationBeforeLog() throws {
    try SQLiteStore(path: folder.database).close()
    try RawDatabase(folder.database).execute("PRAGMA journal_mode = DELETE")
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit([.insert(1)], at: .noon)
    #expect(try folder.names() == ["keyward.db", "keyward.db-wal"])
  }

  @Test("A database of an earlier schema is taken to the present one, and its keys with it")
  func migration() throws {
    let first = try SQLiteStore(path: folder.database)
    _ = try first.commit([.insert(1)], at: .noon)
    first.close()
    let next = Schema(migrations: Schema.current.migrations + ["ALTER TABLE store ADD COLUMN note TEXT"])
    let store = try SQLiteStore(path: folder.database, schema: next)
    #expect(try store.contents().keys.map(\.key.id) == [.sample(1)])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    #expect(bytes[60..<64] == Data([0, 0, 0, 4]), "an older keyward must see it without the log")
    store.close()
    let error = StoreOpenError.newer(folder.database, version: 4, known: 3)
    #expect(throws: error) { try SQLiteStore(path: folder.database) }
  }

  @Test("A migration that fails leaves the database as it was")
  func failingMigration() throws {
    try SQLiteStore(path: folder.database).close()
    let before = try folder.snapshot()
    let next = Schema(migrations: Schema.current.migrations + ["CREATE TABLE extra (x); CREATE TABLE key (x)"])
    #expect(throws: StoreOpenError.self) { try SQLiteStore(path: folder.database, schema: next) }
    #expect(try folder.snapshot() == before)
    #expect(try SQLiteStore(path: folder.database).contents().keys.isEmpty)
  }

  @Test("A path without a slash, and names that SQLite would read otherwise, are plain files")
  func plainNames() throws {
    for name in [":memory:", "file:keyward?mode=memory", "a b.db", "ключи.db", "?x#y%41"] {
      let store = try SQLiteStore(path: folder.path + "/" + name)
      _ = try store.commit([.insert(1)], at: .noon)
      store.close()
      #expect(store.path == folder.path + "/" + name)
      #expect(try folder.names() == [name])
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
    }
  }
}
