package import KeywardCore

extension SQLiteStore {
  package func recordUse(_ uses: [KeyUse]) throws(StoreError) {
    try write { (connection) throws(SQLiteError) in
      for use in uses { try connection.statements.useKey.run([.integer(use.ordinal), SQLValue(use.time)]) }
    }
  }

  /// Drops what no longer matters at an instant: former digests that have ended, and attempts that are no longer
  /// remembered.
  /// - Parameter limit: how many rows of either at most, so that changes need not wait long.
  /// - Returns: how many rows went; fewer than the limit once there are no more.
  @discardableResult
  package func forget(before instant: Instant, limit: Int = 1000) throws(StoreError) -> Int {
    let attemptsEnd = instant.adding(seconds: -RequestID.lifetimeSeconds)
    let limit = SQLValue.integer(Int64(max(0, limit)))
    return try write { (connection) throws(SQLiteError) in
      let digests = try Statement(
        "DELETE FROM digest WHERE digest IN (SELECT digest FROM digest WHERE until <= ?1 LIMIT ?2)",
        on: connection.database)
      try digests.run([SQLValue(instant), limit])
      let count = connection.database.changedRowCount
      let attempts = try Statement(
        "DELETE FROM attempt WHERE (uid, request_id) IN (SELECT uid, request_id FROM attempt WHERE time <= ?1 LIMIT ?2)",
        on: connection.database)
      try attempts.run([SQLValue(attemptsEnd), limit])
      return count + connection.database.changedRowCount
    }
  }
}
