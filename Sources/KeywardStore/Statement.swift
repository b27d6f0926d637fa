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

  /// As ``run(_:)`` with parameters that are bound one after the other, for statements that have many.
  func run(_ bind: (inout Parameters) -> Void) throws(SQLiteError) {
    defer { finish() }
    var parameters = Parameters(handle)
    bind(&parameters)
    guard parameters.code == SQLITE_OK else { throw SQLiteError(code: parameters.code, of: database.handle) }
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
  func bind(_ values: [SQLValue]) throws(SQLiteError) {
    var parameters = Parameters(handle)
    for value in values {
      switch value {
      case .null: parameters.addNull()
      case .integer(let value): parameters.add(value)
      case .text(let text): parameters.add(text)
      case .digest(let digest): parameters.add(digest)
      }
    }
    guard parameters.code == SQLITE_OK else { throw SQLiteError(code: parameters.code, of: database.handle) }
  }
}

extension Statement {
  /// Gives parameters their values, one after the other.
  // SQLite copies texts and blobs, for they live no longer than the call that binds them.
  struct Parameters: ~Copyable {
    private let handle: OpaquePointer
    private var index: Int32 = 0
    /// The first failure; what comes after it is not bound.
    private(set) var code = SQLITE_OK

    fileprivate init(_ handle: OpaquePointer) {
      self.handle = handle
    }

    mutating func addNull() {
      add { sqlite3_bind_null($0, $1) }
    }

    mutating func add(_ value: Int64) {
      add { sqlite3_bind_int64($0, $1, value) }
    }

    mutating func add(_ value: Int64?) {
      if let value { add(value) } else { addNull() }
    }

    mutating func add(_ instant: Instant?) {
      add(instant?.microseconds)
    }

    mutating func add(_ text: String) {
      var text = text
      add { handle, index in
        text.withUTF8 { bytes in
          bytes.withMemoryRebound(to: CChar.self) { chars in
            keyward_sqlite_bind_text(handle, index, chars.baseAddress, Int32(chars.count))
          }
        }
      }
    }

    mutating func add(_ text: String?) {
      if let text { add(text) } else { addNull() }
    }

    mutating func add(_ digest: Digest) {
      add { handle, index in
        digest.withUnsafeBytes { keyward_sqlite_bind_blob(handle, index, $0.baseAddress, Int32($0.count)) }
      }
    }

    mutating func add(_ digest: Digest?) {
      if let digest { add(digest) } else { addNull() }
    }

    @inline(__always)
    private mutating func add(_ bind: (OpaquePointer, Int32) -> Int32) {
      guard code == SQLITE_OK else { return }
      index += 1
      code = bind(handle, index)
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
