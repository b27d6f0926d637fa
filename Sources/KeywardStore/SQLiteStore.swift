package import KeywardCore
import Synchronization

/// Keys in a SQLite database, held by this process alone.
///
/// A commit is in the write-ahead log and synced before it returns. After a disk error the store takes no more
/// changes until it is opened anew: what a failed sync left unwritten, a second one would pass over in silence
/// (wiki.postgresql.org/wiki/Fsync_Errors), while opening writes all that the log has to the database anew.
///
/// Concurrency: one caller at a time, on the writer's thread; each call blocks on the disk.
///
/// `Sendable` because of that one caller: nothing in it is ever used by two threads at once. Debug builds trap if it
/// is.
package final class SQLiteStore: Store, @unchecked Sendable {
  /// Absolute.
  package let path: String
  private var connection: StoreConnection?
  /// Why changes are no longer taken.
  private var halt: StoreError?
  /// Whether the database says that it is not closed.
  private var isMarkedOpen = false
  private let isBusy = Atomic(false)

  /// Opens the database at the path, or makes one there, readable by its owner alone.
  /// - Parameter path: of a file, in a folder of mode 0700 that belongs to root or to the process's user.
  /// - Throws: where anything about the folder or the file is not as it should be. An existing file is as it was.
  package convenience init(path: String) throws(StoreOpenError) {
    try self.init(path: path, schema: .current)
  }

  package init(path: String, schema: Schema) throws(StoreOpenError) {
    let file = try StoreFile(path)
    let connection = try StoreConnection.open(file, schema: schema)
    self.path = file.path
    self.connection = connection
    do throws(SQLiteError) {
      try connection.database.keepLogOnClosing(false)
    } catch {
      throw StoreOpenError(error, path: file.path)
    }
  }

  deinit {
    close()
  }

  /// Writes the log back and lets go of the database; later calls fail. After a disk error the log stays as it is, for
  /// the next opening to read.
  package func close() {
    enter()
    defer { leave() }
    if halt != nil {
      try? connection?.database.keepLogOnClosing(true)
    } else if let connection {
      // Where this fails, the next start has a closer look.
      try? connection.database.transaction { () throws(SQLiteError) in
        try connection.statements.setClosed.run([SQLValue(true)])
      }
    }
    connection = nil
  }

  package func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    try use { (connection) throws(StoreError) in
      let mark = try attempt { () throws(SQLiteError) in try connection.mark() }
      // What was read of every key is little of what changes will need.
      defer { connection.database.emptyCache() }
      try KeyLoader(connection, limit: mark.revision).forEachKey(receive) { failure(of: $0) }
      return mark
    }
  }

  package func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError) {
    try use { (connection) throws(StoreError) in
      var number: Int64 = 0
      try forEachRow(of: connection.statements.attempts) { (row) throws(StoreError) in
        number += 1
        try receive(try AttemptRow.read(row, number: number))
      }
    }
  }

  package func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    try write { (connection) throws(SQLiteError) in try connection.make(changes, at: instant) }
  }

  /// Writes a log that has grown long back to the database. What it holds is durable already: one that cannot be written
  /// back stops the next changes only.
  package func tidy() {
    try? use { (connection) throws(StoreError) in
      guard halt == nil else { return }
      try attempt { () throws(SQLiteError) in try connection.database.checkpointIfDue() }
    }
  }

  package func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges> {
    try write(inBulk: true) { (connection) throws(SQLiteError) in
      let result = try connection.makeTogether(changes, at: instant)
      // What was made is taken back, and another transaction commits nothing. A savepoint would have each page that
      // is touched copied, which makes an import take a fifth longer.
      if case .failure = result {
        try connection.database.execute("ROLLBACK; BEGIN IMMEDIATE")
        try connection.statements.setClosed.run([SQLValue(false)])
      }
      return result
    }
  }

  /// Lets the database have so many pages and no more: a full disk, for tests.
  package func limitPages(to count: Int) throws(StoreError) {
    let database = try opened().database
    _ = try attempt { () throws(SQLiteError) in try database.integer("PRAGMA max_page_count = \(count)") }
  }
}

extension SQLiteStore {
  /// Gives the connection to one call.
  func use<Result>(_ body: (StoreConnection) throws(StoreError) -> Result) throws(StoreError) -> Result {
    enter()
    defer { leave() }
    return try body(try opened())
  }

  /// Carries out `body` in one transaction, which is durable once this returns.
  func write<Result>(
    inBulk: Bool = false, _ body: (StoreConnection) throws(SQLiteError) -> Result
  ) throws(StoreError) -> Result {
    try use { (connection) throws(StoreError) in
      if let halt { throw halt }
      let result = try attempt { () throws(SQLiteError) in
        if inBulk { try connection.database.setCache(inBulk: true) }
        defer { if inBulk { try? connection.database.setCache(inBulk: false) } }
        do throws(SQLiteError) {
          return try connection.database.transaction { () throws(SQLiteError) in
            if !isMarkedOpen { try connection.statements.setClosed.run([SQLValue(false)]) }
            return try body(connection)
          }
        } catch {
          connection.forgetEnd()
          throw error
        }
      }
      isMarkedOpen = true
      return result
    }
  }

  func forEachRow(
    of statement: Statement, _ parameters: [SQLValue] = [], _ body: (Statement) throws(StoreError) -> Void
  ) throws(StoreError) {
    defer { statement.finish() }
    try attempt { () throws(SQLiteError) in try statement.bind(parameters) }
    while try attempt({ () throws(SQLiteError) in try statement.step() }) { try body(statement) }
  }

  /// Takes SQLite's errors for the store's, and remembers those after which nothing may be written.
  func attempt<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
    do throws(SQLiteError) {
      return try body()
    } catch {
      throw failure(of: error)
    }
  }

  private func failure(of error: SQLiteError) -> StoreError {
    switch error.kind {
    case .inputOutput:
      halt = .unavailable("the store takes no changes since its disk failed: keywardd must be restarted")
    case .damaged: halt = StoreError(error)
    case .full, .misfit, .taken, .busy, .other:
      // A transaction that could not be rolled back would swallow the next one.
      if connection?.database.isInTransaction ?? false { halt = StoreError(error) }
    }
    return StoreError(error)
  }

  private func opened() throws(StoreError) -> StoreConnection {
    guard let connection else { throw .unavailable("the store is closed") }
    return connection
  }

  private func enter() {
    let wasBusy = isBusy.exchange(true, ordering: .acquiring)
    assert(!wasBusy, "the store has one caller at a time")
  }

  private func leave() {
    isBusy.store(false, ordering: .releasing)
  }
}
