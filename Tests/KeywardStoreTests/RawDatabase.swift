import CSQLite

/// A database as another program would open it, to prepare what a store then finds.
final class RawDatabase {
  private let handle: OpaquePointer

  struct Failure: Error {
    let code: Int32
  }

  /// Leaves the log as it is when it is closed.
  init(_ path: String) throws {
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    guard code == SQLITE_OK, let handle else {
      sqlite3_close(handle)
      throw Failure(code: code)
    }
    self.handle = handle
    _ = keyward_sqlite_switch(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
  }

  deinit {
    sqlite3_close(handle)
  }

  func execute(_ sql: String) throws {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw Failure(code: code) }
  }

  /// The first column of the first row.
  func number(_ sql: String) throws -> Int64 {
    try first(sql) { sqlite3_column_int64($0, 0) }
  }

  /// The first column of the first row, as text.
  func text(_ sql: String) throws -> String? {
    try first(sql) { row in sqlite3_column_text(row, 0).map { String(cString: $0) } }
  }

  private func first<Result>(_ sql: String, _ read: (OpaquePointer?) -> Result) throws -> Result {
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
    guard code == SQLITE_OK, sqlite3_step(statement) == SQLITE_ROW else { throw Failure(code: code) }
    return read(statement)
  }
}
