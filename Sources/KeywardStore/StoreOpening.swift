import CSQLite

extension StoreConnection {
  /// Opens a database, or makes one where there is none.
  ///
  /// Nothing is written to an existing file before all about it was found right. Its log stays as it is on closing,
  /// until ``Database/keepLogOnClosing(_:)`` says otherwise.
  static func open(_ file: StoreFile, schema: Schema) throws(StoreOpenError) -> StoreConnection {
    try file.create()
    let opening = Opening(file: file, schema: schema)
    let database = try opening.attempt { () throws(SQLiteError) in try Database(path: file.path) }
    guard !database.isReadOnly else { throw .file(file.path, "cannot be written") }
    if !file.isEmpty { try opening.checkHeader(of: database) }
    let version = try opening.attempt { () throws(SQLiteError) in
      try database.harden()
      return try database.createIfEmpty(schema)
    }
    try opening.check(version)
    if try opening.needsCheck(database, version: version) { try opening.checkStructure(of: database) }
    let statements = try opening.attempt { () throws(SQLiteError) in
      try database.migrate(from: version, to: schema)
      return try KeptStatements(database)
    }
    try opening.makeDurable(database)
    return StoreConnection(database: database, statements: statements)
  }
}

extension Database {
  /// Has SQLite take the file for itself alone, trust nothing in it, and leave the log alone on closing.
  ///
  /// Held by one connection, the log needs no shared memory, which other processes could disturb; the mode must be
  /// set before the file is first read (sqlite.org/wal.html, 8).
  fileprivate func harden() throws(SQLiteError) {
    try keepLogOnClosing(true)
    try configure(SQLITE_DBCONFIG_DEFENSIVE, true)
    try configure(SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
    try configure(SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
    try configure(SQLITE_DBCONFIG_ENABLE_VIEW, false)
    try configure(SQLITE_DBCONFIG_DQS_DDL, false)
    try configure(SQLITE_DBCONFIG_DQS_DML, false)
    try execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    // Until the log takes over: EXTRA also syncs the folder once a rollback journal has gone, which must not return.
    try execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA")
    try setCache(inBulk: false)
  }

  /// Locks the file, and makes the tables where there is none yet: in one transaction with a rollback journal,
  /// so that from its first commit on the file's own header says whose it is.
  /// - Returns: the schema's version.
  fileprivate func createIfEmpty(_ schema: Schema) throws(SQLiteError) -> Int {
    try transaction("BEGIN EXCLUSIVE") { () throws(SQLiteError) in
      if try userVersion() == 0, try integer("SELECT count(*) FROM sqlite_schema") == 0 { try create(schema) }
      return try userVersion()
    }
  }

  private func userVersion() throws(SQLiteError) -> Int { Int(try integer("PRAGMA user_version")) }
}

/// What is asked of one database before it is used.
private struct Opening {
  let file: StoreFile
  let schema: Schema

  /// Checked in about 10 ms.
  private static let alwaysCheckedByteCount = 4 * 1024 * 1024

  private var path: String { file.path }

  func attempt<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreOpenError) -> Result {
    do throws(SQLiteError) {
      return try body()
    } catch {
      throw StoreOpenError(error, path: path)
    }
  }

  func checkHeader(of database: Database) throws(StoreOpenError) {
    let header = try attempt { () throws(SQLiteError) in try database.header() }
    if header.isSQLite, header.applicationID == Schema.applicationID {
      try check(Int(header.userVersion))
    } else if header.isSQLite, file.isShorter(than: FileHeader.byteCount) {
      throw .damaged(path, "it was cut short")
    } else if !file.isUnfinished {
      throw .foreign(path)
    }
  }

  func check(_ version: Int) throws(StoreOpenError) {
    guard version <= schema.version else { throw .newer(path, version: version, known: schema.version) }
    guard version > 0 else { throw .damaged(path, "its schema has the version \(version)") }
  }

  /// Whether to look at every page before anything is read of it: always where that takes no time worth mentioning,
  /// else where the last process that changed anything did not come to its end in order. Loading reads every key and
  /// digest anyway.
  func needsCheck(_ database: Database, version: Int) throws(StoreOpenError) -> Bool {
    guard version >= Schema.firstVersionWithClosing, !file.isShorter(than: Self.alwaysCheckedByteCount) else {
      return true
    }
    return try attempt { () throws(SQLiteError) in try database.integer("SELECT is_closed FROM store") != 1 }
  }

  /// Takes about two seconds at a million keys.
  func checkStructure(of database: Database) throws(StoreOpenError) {
    let finding = try attempt { () throws(SQLiteError) in try database.text("PRAGMA quick_check(1)") }
    guard finding == "ok" else { throw .damaged(path, "its pages do not fit together") }
  }

  /// From here on each commit is in the log and synced before it counts.
  func makeDurable(_ database: Database) throws(StoreOpenError) {
    let settings = try attempt { () throws(SQLiteError) in
      try database.execute("PRAGMA journal_mode = WAL")
      // A log that one big commit made long is cut to 32 MiB when it starts anew.
      try database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 33554432")
      // What an earlier process left in the log need not be on the disk, if a sync failed it: write it all anew, so
      // that no later commit rests on it.
      try database.checkpoint()
      return (
        try database.text("PRAGMA journal_mode"), try database.integer("PRAGMA synchronous"),
        try database.integer("PRAGMA foreign_keys")
      )
    }
    guard settings == ("wal", 2, 1) else {
      throw .file(path, "cannot be made durable here: its folder's file system has to take a write-ahead log")
    }
    try file.syncFolder()
  }
}
