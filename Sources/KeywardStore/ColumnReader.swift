import KeywardCore

/// Takes columns of one row, and says which of them is wrong, never what it holds.
struct ColumnReader {
  let row: Statement
  let table: String
  /// The row's number, for people.
  let number: Int64

  /// - Throws: ``StoreError/damaged(_:)`` naming the column where there is no value.
  @inline(__always)
  func require<Value>(_ column: String, _ value: Value?) throws(StoreError) -> Value {
    guard let value else { throw .damagedRow(number, of: table, "has no proper \(column)") }
    return value
  }

  func instant(_ name: String, _ column: Int32) throws(StoreError) -> Instant {
    let instant = row.integer(column).map { Instant(microseconds: $0) }
    return try require(name, instant.flatMap { $0.isRepresentable ? $0 : nil })
  }

  func optionalInstant(_ name: String, _ column: Int32) throws(StoreError) -> Instant? {
    row.isNull(column) ? nil : try instant(name, column)
  }

  func optionalText(_ name: String, _ column: Int32) throws(StoreError) -> String? {
    row.isNull(column) ? nil : try require(name, row.text(column))
  }

  func id(_ name: String, _ column: Int32) throws(StoreError) -> KeyID {
    try require(name, row.utf8(column).flatMap { KeyID(utf8: $0) })
  }
}

extension StoreError {
  /// - Parameter finding: goes on from the row's number and table.
  static func damagedRow(_ number: Int64, of table: String, _ finding: String) -> StoreError {
    .damaged("the store's database is damaged: row \(number) of table \(table) \(finding): restore a backup")
  }

  static let strayDigests = StoreError.damaged(
    "the store's database is damaged: table digest has rows of no key: restore a backup")
}
