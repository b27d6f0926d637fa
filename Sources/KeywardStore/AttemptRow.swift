import KeywardCore

/// An attempt's columns, as they are written and read.
enum AttemptRow {
  /// A new attempt of the same user and request id takes the place of an older one.
  static let insertion = """
    INSERT OR REPLACE INTO attempt (uid, request_id, fingerprint, key_id, time) VALUES (?1, ?2, ?3, ?4, ?5)
    """

  static let selection = "SELECT uid, request_id, fingerprint, key_id, time FROM attempt"

  /// The parameters of ``insertion``.
  static func values(of attempt: Attempt) -> [SQLValue] {
    [
      .integer(Int64(attempt.id.uid)), .text(attempt.id.requestID.text), .digest(attempt.id.fingerprint),
      .text(attempt.key.description), SQLValue(attempt.time),
    ]
  }

  /// The present row of ``selection``.
  /// - Parameter number: its place among the rows.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column that holds what was never written.
  static func read(_ row: Statement, number: Int64) throws(StoreError) -> Attempt {
    let reader = ColumnReader(row: row, table: "attempt", number: number)
    let id = AttemptID(
      uid: try reader.require("uid", row.integer(0).flatMap { UInt32(exactly: $0) }),
      requestID: try reader.require("request_id", row.text(1).flatMap { try? RequestID($0) }),
      fingerprint: try reader.require("fingerprint", row.digest(2)))
    return Attempt(id: id, key: try reader.id("key_id", 3), time: try reader.instant("time", 4))
  }
}
