package import KeywardCore

/// An audit query as SQL, for which one of the audit's indexes gives the rows in their order. A plus before a column
/// keeps SQLite from choosing another by it (sqlite.org/optoverview.html, 2.2).
struct AuditSearch {
  private var conditions: [String] = []
  private var parameters: [SQLValue] = []

  init(_ query: AuditQuery) {
    if let id = query.keyID { require("key_id = ?", .text(id.description)) }
    // A key has fewer rows than a user.
    if let user = query.user { require(query.keyID == nil ? "user = ?" : "+user = ?", .text(user)) }
    if let start = query.start { require("time >= ?", SQLValue(start)) }
    if let end = query.end { require("time < ?", SQLValue(end)) }
    if !query.types.isEmpty {
      conditions.append("type IN (\(query.types.map { "\($0.rawValue)" }.sorted().joined(separator: ", ")))")
    }
  }

  private mutating func require(_ condition: String, _ parameter: SQLValue) {
    conditions.append(condition)
    parameters.append(parameter)
  }

  private var filter: String { conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ") }

  /// How many rows there are.
  var count: (sql: String, parameters: [SQLValue]) { ("SELECT count(*) FROM audit" + filter, parameters) }

  /// The last rows before a revision, the latest first.
  func page(before revision: Revision?, limit: Int) -> (sql: String, parameters: [SQLValue]) {
    var search = self
    if let revision {
      // The time leads the index to where the page starts; the revision tells apart what has the same time.
      search.require("+revision < ?", .integer(revision))
      search.require(
        "time <= (SELECT time FROM audit WHERE revision < ? ORDER BY revision DESC LIMIT 1)", .integer(revision))
    }
    let sql = AuditRow.selection + search.filter + " ORDER BY time DESC, revision DESC LIMIT ?"
    return (sql, search.parameters + [.integer(Int64(max(0, limit)))])
  }
}

extension SQLiteStore {
  package func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int) {
    try use { (connection) throws(StoreError) in
      let search = AuditSearch(query)
      let count = search.count
      let total = try attempt { () throws(SQLiteError) in
        try Statement(count.sql, on: connection.database).first(count.parameters) { $0.integer(0) } ?? nil
      }
      let page = search.page(before: revision, limit: limit)
      let statement = try attempt { () throws(SQLiteError) in try Statement(page.sql, on: connection.database) }
      var events: [AuditEvent] = []
      try forEachRow(of: statement, page.parameters) { (row) throws(StoreError) in
        events.append(try AuditRow.event(row))
      }
      return (events, Int(total ?? 0))
    }
  }

  package func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent] {
    try use { (connection) throws(StoreError) in
      let statement = try attempt { () throws(SQLiteError) in
        try Statement(AuditRow.succession, on: connection.database)
      }
      var events: [AuditEvent] = []
      try forEachRow(
        of: statement, [.integer(revision), .integer(Int64(max(0, limit)))]
      ) { (row) throws(StoreError) in
        events.append(try AuditRow.event(row))
      }
      return events
    }
  }

  package func auditStart() throws(StoreError) -> Revision? {
    try use { (connection) throws(StoreError) in
      try attempt { () throws(SQLiteError) in
        try Statement("SELECT revision - 1 FROM audit ORDER BY revision LIMIT 1", on: connection.database)
          .first([]) { $0.integer(0) } ?? nil
      }
    }
  }
}
