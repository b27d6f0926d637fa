import CSQLite
import CSQLiteLog

/// A connection to one SQLite file.
///
/// Concurrency: one user at a time; SQLite's own locking is left out.
final class Database {
  let handle: OpaquePointer
  /// How many pages the write-ahead log has; SQLite's hook writes it after each commit.
  private let logPages: UnsafeMutablePointer<Int32>

  /// The log is written back to the database once it has this many pages of 4096 bytes: nearly what a log keeps when it
  /// starts anew, for pages that were written several times go back once.
  private static let checkpointPages: Int32 = 7000

  /// The name of SQLite's VFS that gathers what is written to a log.
  private static let logVFS = keyward_sqlite_log_vfs().map { String(cString: $0) }

  /// Opens a file that exists. SQLite neither locks nor changes it before the first statement that needs it.
  /// - Parameter path: absolute, so that it is never taken for a URI or a name that SQLite gives a meaning of its own.
  init(path: String) throws(SQLiteError) {
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE
    guard let vfs = Self.logVFS else { throw SQLiteError(code: SQLITE_CANTOPEN) }
    let code = sqlite3_open_v2(path, &handle, flags, vfs)
    guard code == SQLITE_OK, let handle else {
      let error = handle.map { SQLiteError(code: code, of: $0) } ?? SQLiteError(code: code)
      sqlite3_close(handle)
      throw error
    }
    self.handle = handle
    logPages = .allocate(capacity: 1)
    logPages.initialize(to: 0)
    let hook: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
      context, _, _, pages in
      context?.storeBytes(of: pages, as: Int32.self)
      return SQLITE_OK
    }
    sqlite3_wal_hook(handle, hook, logPages)
  }

  deinit {
    sqlite3_close(handle)
    logPages.deallocate()
  }

  /// SQLite falls back to reading where it may not write.
  var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") != 0 }

  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// The first bytes of the file itself, whatever the log says; zeros past its end.
  ///
  /// They are read through SQLite's descriptor, for closing one of our own would give up the locks of any other
  /// connection that this process has to the file (sqlite.org/howtocorrupt.html, 2.2).
  func header() throws(SQLiteError) -> FileHeader {
    var bytes = [UInt8](repeating: 0, count: FileHeader.byteCount)
    let code = bytes.withUnsafeMutableBytes { keyward_sqlite_read_file(handle, $0.baseAddress, Int32($0.count)) }
    guard code == SQLITE_OK else { throw SQLiteError(code: code, of: handle) }
    return FileHeader(bytes)
  }

  /// Switches an option of sqlite3_db_config.
  func configure(_ option: Int32, _ isOn: Bool) throws(SQLiteError) {
    let code = keyward_sqlite_switch(handle, option, isOn ? 1 : 0)
    guard code == SQLITE_OK else { throw SQLiteError(code: code, of: handle) }
  }

  /// Whether the log stays as it is on closing, instead of being written back and deleted.
  func keepLogOnClosing(_ isKept: Bool) throws(SQLiteError) {
    try configure(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, isKept)
  }

  /// Sets how many of the database's pages are kept in memory: 8 MiB, and while many changes are made at once, which
  /// touch pages all over the indices of a million keys, 128 MiB.
  func setCache(inBulk: Bool) throws(SQLiteError) {
    try execute("PRAGMA cache_size = -\(inBulk ? 131_072 : 8192)")
  }

  /// Forgets the pages that are kept in memory and nothing needs.
  func emptyCache() {
    sqlite3_db_release_memory(handle)
  }

  /// The ordinal of the row inserted last.
  var lastOrdinal: Int64 { sqlite3_last_insert_rowid(handle) }

  /// How many rows the last statement that writes has changed, cascades not counted.
  var changedRowCount: Int { Int(sqlite3_changes64(handle)) }

  /// Carries out statements that hold no values.
  func execute(_ sql: String) throws(SQLiteError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw SQLiteError(code: code, of: handle) }
  }

  /// The one number that a statement gives.
  func integer(_ sql: String) throws(SQLiteError) -> Int64 {
    guard let value = try Statement(sql, on: self).first([], { $0.integer(0) }) ?? nil else { throw .damaged }
    return value
  }

  /// The one text that a statement gives.
  func text(_ sql: String) throws(SQLiteError) -> String {
    guard let value = try Statement(sql, on: self).first([], { $0.text(0) }) ?? nil else { throw .damaged }
    return value
  }

  /// Carries out `body` in one transaction, which is rolled back where it or the commit fails.
  func transaction<Result>(
    _ begin: String = "BEGIN IMMEDIATE", _ body: () throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    try execute(begin)
    do throws(SQLiteError) {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // SQLite may have rolled back by itself. A rollback that fails leaves isInTransaction true.
      if isInTransaction { try? execute("ROLLBACK") }
      throw error
    }
  }

  /// Writes a log that has grown long back to the database.
  ///
  /// SQLite would do so by itself, but would not tell of a sync that failed.
  func checkpointIfDue() throws(SQLiteError) {
    guard logPages.pointee >= Self.checkpointPages else { return }
    try checkpoint(SQLITE_CHECKPOINT_PASSIVE)
  }

  /// Writes the whole log back to the database and empties it.
  func checkpoint() throws(SQLiteError) {
    try checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
  }

  private func checkpoint(_ mode: Int32) throws(SQLiteError) {
    let code = sqlite3_wal_checkpoint_v2(handle, "main", mode, nil, nil)
    guard code == SQLITE_OK else { throw SQLiteError(code: code, of: handle) }
  }
}
