import KeywardCore

/// A key's columns and its digest, as they are written and read.
enum KeyRow {
  private static let columns = """
    id, name, permission, enabled, expire_time, revoke_time, revoke_reason, hint, creator, create_time, updater, \
    update_time, last_used_time, delete_time, purge_time, revision
    """

  static let insertion = """
    INSERT INTO key (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    """

  /// A key without a digest comes too, so that it is noticed.
  static let selection = """
    SELECT \(columns), ordinal, digest.digest FROM key LEFT JOIN digest ON digest.key = ordinal ORDER BY ordinal
    """

  /// The parameters of ``insertion``.
  static func values(of key: Key, revision: Revision) -> [SQLValue] {
    [
      .text(key.id.description), .text(key.name.text), .integer(Int64(key.permission.rawValue)),
      SQLValue(key.enabled), SQLValue(key.expireTime), SQLValue(key.revokeTime), .text(key.revokeReason),
      .text(key.hint), .text(key.creator), SQLValue(key.createTime), .text(key.updater), SQLValue(key.updateTime),
      SQLValue(key.lastUsedTime), SQLValue(key.deleteTime), SQLValue(key.purgeTime), .integer(revision),
    ]
  }

  private static func flag(_ value: Int64) -> Bool? { value == 0 ? false : value == 1 ? true : nil }

  /// The present row of ``selection``.
  /// - Parameter limit: the store's revision, which no key's exceeds.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column that holds what was never written.
  static func read(_ row: Statement, limit: Revision) throws(StoreError) -> StoredKey {
    let reader = ColumnReader(row: row, ordinal: row.integer(16) ?? 0)
    let key = Key(
      id: try reader.require("id", row.text(0).flatMap { KeyID($0) }),
      name: KeyName(checked: try reader.require("name", row.text(1).flatMap { $0.isEmpty ? nil : $0 })),
      permission: try reader.require(
        "permission", row.integer(2).flatMap { UInt8(exactly: $0) }.flatMap { Permission(rawValue: $0) }),
      enabled: try reader.require("enabled", row.integer(3).flatMap { flag($0) }),
      expireTime: try reader.optionalInstant("expire_time", 4),
      revokeTime: try reader.optionalInstant("revoke_time", 5),
      revokeReason: try reader.require("revoke_reason", row.text(6)), hint: try reader.require("hint", row.text(7)),
      creator: try reader.require("creator", row.text(8)), createTime: try reader.instant("create_time", 9),
      updater: try reader.require("updater", row.text(10)), updateTime: try reader.instant("update_time", 11),
      lastUsedTime: try reader.optionalInstant("last_used_time", 12),
      deleteTime: try reader.optionalInstant("delete_time", 13),
      purgeTime: try reader.optionalInstant("purge_time", 14),
      revision: try reader.require("revision", row.integer(15).flatMap { (1...max(1, limit)).contains($0) ? $0 : nil }))
    let ordinal = try reader.require("ordinal", row.integer(16).flatMap { $0 > 0 ? $0 : nil })
    return StoredKey(key: key, digest: try reader.require("digest", row.digest(17)), ordinal: ordinal)
  }
}

/// Takes columns of one row, and says which of them is wrong, never what it holds.
private struct ColumnReader {
  let row: Statement
  let ordinal: Int64

  func require<Value>(_ column: String, _ value: Value?) throws(StoreError) -> Value {
    guard let value else { throw .damaged(Self.text(column, ordinal)) }
    return value
  }

  func instant(_ name: String, _ column: Int32) throws(StoreError) -> Instant {
    let instant = row.integer(column).map { Instant(microseconds: $0) }
    return try require(name, instant.flatMap { $0.isRepresentable ? $0 : nil })
  }

  func optionalInstant(_ name: String, _ column: Int32) throws(StoreError) -> Instant? {
    row.isNull(column) ? nil : try instant(name, column)
  }

  private static func text(_ column: String, _ ordinal: Int64) -> String {
    "the store's database is damaged: row \(ordinal) of table key has no proper \(column): restore a backup"
  }
}
