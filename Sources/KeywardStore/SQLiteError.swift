import CSQLite
import Glibc
import KeywardCore

/// What SQLite answered instead of doing what it was told. It never leaves this module.
struct SQLiteError: Error {
  /// What the answer means to us.
  enum Kind {
    /// No room on the disk, or none within the database's limit.
    case full
    /// The file is not as SQLite wrote it.
    case damaged
    /// The tables are not those of our schema, or a value breaks their rules.
    case misfit
    /// A row like it is there already, and the statement has changed nothing.
    case taken
    /// Reading, writing or syncing failed: what the disk holds is uncertain.
    case inputOutput
    /// Another connection holds the database.
    case busy
    /// Anything else: memory, permissions, descriptors.
    case other
  }

  let kind: Kind
  /// SQLite's text for the code, with the system's where there is one; never the message of a statement, which may
  /// quote values.
  let reason: String

  /// - Parameters:
  ///   - code: an extended result code.
  ///   - errno: the system's, 0 for none.
  init(code: Int32, errno: Int32 = 0) {
    // SQLITE_CONSTRAINT_UNIQUE, a macro that Swift does not see.
    kind = code == SQLITE_CONSTRAINT | 8 << 8 ? .taken : Self.kind(of: code & 0xFF)
    let text = String(cString: sqlite3_errstr(code & 0xFF))
    reason = errno == 0 ? text : "\(text), \(String(cString: strerror(errno)))"
  }

  /// The database's last error.
  init(code: Int32, of handle: OpaquePointer) {
    let blamesTheSystem = [SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_FULL].contains(code & 0xFF)
    self.init(code: code, errno: blamesTheSystem ? sqlite3_system_errno(handle) : 0)
  }

  static let damaged = SQLiteError(code: SQLITE_CORRUPT)

  private static func kind(of primaryCode: Int32) -> Kind {
    switch primaryCode {
    case SQLITE_FULL: .full
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: .damaged
    // Our statements are fixed, and conflicts are none of these: nothing of it is the caller's doing.
    case SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_SCHEMA: .misfit
    case SQLITE_IOERR: .inputOutput
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    default: .other
    }
  }
}

extension StoreError {
  init(_ error: SQLiteError) {
    switch error.kind {
    case .full: self = .exhausted("the store's disk is full: make room and try again")
    case .damaged: self = .damaged("the store's database is damaged (\(error.reason)): restore a backup")
    case .misfit, .taken: self = .damaged("the store's tables do not take what keyward keeps (\(error.reason))")
    case .inputOutput:
      self = .unavailable("the store's disk failed (\(error.reason)): keywardd must be restarted once it is well")
    case .busy, .other: self = .unavailable("the store cannot be used at present (\(error.reason))")
    }
  }
}
