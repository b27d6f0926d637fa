import CSQLite
import KeywardCore

/// A prepared statement, kept for as long as its database is open.
///
/// Invariant: between uses it is reset and its parameters are cleared, so that it holds no lock and no digest.
///
/// Concurrency: one user at a time, as for its ``Database``.
final class Statement {
  private let handle: OpaquePointer
  /// Keeps the connection open for as long as the statement is there.
  private let database: Database

  /// - Parameter sql: exactly one statement.
  init(_ sql: String, on database: Database) throws(SQLiteError) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(database.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else { throw SQLiteError(code: code, of: database.handle) }
    self.handle = handle
    self.database = database
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// Carries the statement out; rows are not looked at.
  func run(_ parameters: [SQLValue] = []) throws(SQLiteError) {
    defer { finish() }
    try bind(parameters)
    while try step() {}
  }

  /// What `read` makes of the first row, nil where there is none. The statement is carried out to its end: one that
  /// has given a row may yet fail, as the switch to a log does.
  func first<Result>(
    _ parameters: [SQLValue] = [], _ read: (Statement) throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result? {
    defer { finish() }
    try bind(parameters)
    guard try step() else { return nil }
    let result = try read(self)
    while try step() {}
    return result
  }

  /// Goes to the next row. Whoever steps by hand must ``finish()``.
  /// - Returns: false past the last row.
  func step() throws(SQLiteError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw SQLiteError(code: code, of: database.handle)
    }
  }

  /// Makes the statement ready for its next use, and forgets its parameters. The result of a reset repeats that of
  /// the last step, which was looked at then.
  func finish() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  /// Gives the parameters their values, the first being 1. Whoever binds by hand must ``finish()``.
  // SQLite copies texts and blobs, for they live no longer than the call that binds them.
  func bind(_ parameters: [SQLValue]) throws(SQLiteError) {
    for (index, parameter) in zip(Int32(1)..., parameters) {
      let code =
        switch parameter {
        case .null: sqlite3_bind_null(handle, index)
        case .integer(let value): sqlite3_bind_int64(handle, index, value)
        case .text(var text):
          text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars in
              keyward_sqlite_bind_text(handle, index, chars.baseAddress, Int32(chars.count))
            }
          }
        case .digest(let digest):
          digest.withUnsafeBytes { keyward_sqlite_bind_blob(handle, index, $0.baseAddress, Int32($0.count)) }
        }
      guard code == SQLITE_OK else { throw SQLiteError(code: code, of: database.handle) }
    }
  }
}

// The columns of the present row, the first being 0. Nothing is converted: each is nil for a value of another type.
extension Statement {
  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64? {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { return nil }
    return sqlite3_column_int64(handle, column)
  }

  /// nil also for what is not UTF-8.
  func text(_ column: Int32) -> String? {
    utf8(column).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// A text's bytes, until the next step; nothing is checked about them.
  func utf8(_ column: Int32) -> UnsafeBufferPointer<UInt8>? {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT, let bytes = sqlite3_column_text(handle, column) else {
      return nil
    }
    return UnsafeBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column)))
  }

  /// nil also for any other number of bytes than a digest's.
  func digest(_ column: Int32) -> Digest? {
    guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { return nil }
    let bytes = sqlite3_column_blob(handle, column)
    return Digest(bytes: UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }
}
