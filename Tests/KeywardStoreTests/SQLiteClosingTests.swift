import Foundation
import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// How a store came to its end, and what the next start makes of it.
@Suite struct SQLiteClosingTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// What the files say at this moment, as a process that ended now would leave them.
  private func isClosed() throws -> Bool {
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    return try RawDatabase(copy.database).number("SELECT is_closed FROM store") == 1
  }

  @Test("A database says that it is closed from its end in order to its next change")
  func closing() throws {
    let first = try SQLiteStore(path: folder.database)
    #expect(try !isClosed())
    try first.make(.insert(1))
    #expect(try !isClosed())
    first.close()
    #expect(try isClosed())

    let reader = try SQLiteStore(path: folder.database)
    #expect(try reader.contents().keys.count == 1)
    #expect(try isClosed())
    reader.close()
    #expect(try isClosed())

    let writer = try SQLiteStore(path: folder.database)
    try writer.make(.insert(2))
    #expect(try !isClosed())
    writer.close()
    #expect(try isClosed())
  }

  @Test("Changes after some that were taken back find the database marked as open")
  func rolledBack() throws {
    let first = try SQLiteStore(path: folder.database)
    try first.make(.insert(1))
    first.close()
    let store = try SQLiteStore(path: folder.database)
    let result = try store.commitTogether([.insert(2), .insert(1)], at: .noon)
    #expect(result == .failure(ConflictAmongChanges(index: 1, conflict: .duplicate)))
    try store.make(.insert(3))
    #expect(try !isClosed())
    store.close()
    #expect(try isClosed())
  }

  @Test("A damaged page that no key is on is found at the start, unless a large database came to its end in order")
  func damagedPage() throws {
    let store = try SQLiteStore(path: folder.database)
    _ = try store.commit((1...9000).map { .insert($0) }, at: .noon)
    store.close()
    let closed = try folder.snapshot()
    #expect(try #require(closed["keyward.db"]).count > 4 * 1024 * 1024)

    func damage(_ files: [String: Data]) throws -> TemporaryFolder {
      let copy = try TemporaryFolder()
      try copy.write(files)
      let page = try RawDatabase(copy.database).number(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'audit_by_user'")
      var bytes = try #require(files["keyward.db"])
      let start = (Int(page) - 1) * 4096
      bytes.replaceSubrange(start..<start + 512, with: Data(repeating: 0xA5, count: 512))
      try copy.write(bytes, to: "keyward.db")
      return copy
    }
    let ended = try damage(closed)
    let after = try SQLiteStore(path: ended.database)
    #expect(try after.contents().keys.count == 9000)
    after.close()
    // The log is in the database by then, and the mark is not.
    var crashed = closed
    let copy = try TemporaryFolder()
    try copy.write(closed)
    try RawDatabase(copy.database).execute("UPDATE store SET is_closed = 0; PRAGMA wal_checkpoint(TRUNCATE)")
    crashed["keyward.db"] = try copy.snapshot()["keyward.db"]
    let damaged = try damage(crashed)
    #expect(throws: StoreOpenError.damaged(damaged.database, "its pages do not fit together")) {
      try SQLiteStore(path: damaged.database)
    }
  }
}
