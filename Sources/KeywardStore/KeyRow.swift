import KeywardCore

/// A key's columns and its digests, as they are written and read.
enum KeyRow {
  private static let changing = """
    name, permission, enabled, expire_time, revoke_time, revoke_reason, hint, creator, create_time, updater, \
    update_time, last_used_time, delete_time, purge_time, revision, copy_base, noted_expired, noted_revoked, noted_soon, \
    rate_count, rate_period, rate_burst, use_total, use_refill
    """

  private static let changed = (2...25).map { "?\($0)" }.joined(separator: ", ")

  static let insertion = "INSERT INTO key (id, \(changing)) VALUES (?1, \(changed))"

  /// Writes the whole record of the key with the id anew.
  static let replacement = "UPDATE key SET (\(changing)) = (\(changed)) WHERE id = ?1"

  /// ?1 id, ?2 to ?4 what the sweeper has recorded (``Noted``).
  static let note = "UPDATE key SET noted_expired = ?2, noted_revoked = ?3, noted_soon = ?4 WHERE id = ?1"

  /// ?1 ordinal, ?2 instant.
  static let use = "UPDATE key SET last_used_time = max(ifnull(last_used_time, 0), ?2) WHERE ordinal = ?1"

  /// Each key, in the order of the ordinals.
  static let selection = "SELECT id, \(changing), ordinal FROM key ORDER BY ordinal"

  /// Each digest, in the order of its key's ordinal: of each key its own first, then former ones, the first to end
  /// first. One index holds all of it in that order.
  static let digestSelection = "SELECT key, digest, until FROM digest ORDER BY key, until, digest"

  /// As ``selection``, each key with its own digest behind its columns: behind the ordinal ?1, so many as ?2. A key
  /// without a digest comes too, so that it is noticed.
  static let ownSelection = """
    SELECT id, \(changing), ordinal, digest.digest
    FROM key LEFT JOIN digest ON digest.key = ordinal AND digest.until IS NULL
    WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2
    """

  /// Former digests of the keys behind the ordinal ?1 up to ?2, in the order of ``digestSelection``. A plus keeps SQLite
  /// from the index of those alone, which is in another order.
  static let formerSelection = """
    SELECT key, digest, until FROM digest WHERE key > ?1 AND key <= ?2 AND +until IS NOT NULL ORDER BY key, until, digest
    """

  /// Adds the parameters of ``insertion`` and ``replacement``.
  static func add(_ key: Key, revision: Revision, to row: inout Statement.Parameters) {
    row.add(key.id.description)
    row.add(key.name.text)
    row.add(Int64(key.permission.rawValue))
    row.add(key.enabled ? 1 : 0)
    row.add(key.expireTime)
    row.add(key.revokeTime)
    row.add(key.revokeReason)
    row.add(key.hint)
    row.add(key.creator)
    row.add(key.createTime)
    row.add(key.updater)
    row.add(key.updateTime)
    row.add(key.lastUsedTime)
    row.add(key.deleteTime)
    row.add(key.purgeTime)
    row.add(revision)
    row.add(copyBaseText(of: key))
    row.add(key.noted.expired)
    row.add(key.noted.revoked)
    row.add(key.noted.soon)
    row.add(key.rateLimit?.count)
    row.add(key.rateLimit?.periodSeconds)
    row.add(key.rateLimit?.burst)
    row.add(key.useLimit?.total)
    row.add(key.useLimit.map { Int64($0.refill.rawValue) })
  }

  /// Empty where it is the name itself.
  static func copyBaseText(of key: Key) -> String { key.copyBase == key.name ? "" : key.copyBase.text }

  private static func flag(_ value: Int64) -> Bool? { value == 0 ? false : value == 1 ? true : nil }

  /// The ordinal in the present row of ``selection``; 0 where it has none.
  static func ordinal(_ row: Statement) -> Int64 { row.integer(25) ?? 0 }

  /// The key and its own digest in the present row of ``ownSelection``.
  /// - Parameter limit: the store's revision, which no key's exceeds.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column that holds what was never written.
  static func readWithDigest(_ row: Statement, limit: Revision) throws(StoreError) -> StoredKey {
    let (key, ordinal) = try read(row, limit: limit)
    return StoredKey(key: key, digest: try reader(row).require("digest", row.digest(26)), ordinal: ordinal)
  }

  /// The key in the present row of ``selection``, and its ordinal; parameter and error as above.
  static func read(_ row: Statement, limit: Revision) throws(StoreError) -> (Key, ordinal: Int64) {
    let reader = reader(row)
    let copyBase = try reader.require("copy_base", row.text(16))
    let key = Key(
      id: try reader.id("id", 0),
      name: KeyName(
        checked: try reader.require(
          "name", row.text(1).flatMap { KeyName.byteCounts.contains($0.utf8.count) ? $0 : nil })),
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
      revision: try reader.require("revision", row.integer(15).flatMap { (1...max(1, limit)).contains($0) ? $0 : nil }),
      copyBase: copyBase.isEmpty ? nil : KeyName(checked: copyBase),
      noted: Noted(
        expired: try reader.optionalInstant("noted_expired", 17),
        revoked: try reader.optionalInstant("noted_revoked", 18), soon: try reader.optionalInstant("noted_soon", 19)),
      rateLimit: try rateLimit(reader), useLimit: try useLimit(reader))
    let ordinal = try reader.require("ordinal", row.integer(25).flatMap { $0 > 0 ? $0 : nil })
    return (key, ordinal)
  }

  /// A key's own digest in the present row of ``digestSelection``, which is its key's first one.
  static func readDigest(_ row: Statement) throws(StoreError) -> Digest {
    let reader = ColumnReader(row: row, table: "key", number: row.integer(0) ?? 0)
    return try reader.require("digest", row.isNull(2) ? row.digest(1) : nil)
  }

  /// The former digest in the present row of ``digestSelection``, which is not its key's first one.
  static func readFormer(_ row: Statement) throws(StoreError) -> FormerDigest {
    let reader = ColumnReader(row: row, table: "key", number: row.integer(0) ?? 0)
    guard !row.isNull(2) else { throw .damagedRow(reader.number, of: reader.table, "has two digests") }
    return FormerDigest(
      digest: try reader.require("former digest", row.digest(1)), until: try reader.instant("until", 2))
  }

  private static func rateLimit(_ reader: ColumnReader) throws(StoreError) -> RateLimit? {
    let row = reader.row
    guard !row.isNull(20) || !row.isNull(21) || !row.isNull(22) else { return nil }
    guard let count = row.integer(20), let period = row.integer(21), let burst = row.integer(22) else {
      return try reader.require("rate_count, rate_period or rate_burst", nil)
    }
    return try reader.require("rate_count", try? RateLimit(count: count, periodSeconds: period, burst: burst))
  }

  private static func useLimit(_ reader: ColumnReader) throws(StoreError) -> UseLimit? {
    let row = reader.row
    guard !row.isNull(23) || !row.isNull(24) else { return nil }
    let refill = row.integer(24).flatMap { UInt8(exactly: $0) }.flatMap { UseLimit.Refill(rawValue: $0) }
    guard let total = row.integer(23), let refill else { return try reader.require("use_total or use_refill", nil) }
    return try reader.require("use_total", try? UseLimit(total: total, refill: refill))
  }

  private static func reader(_ row: Statement) -> ColumnReader {
    ColumnReader(row: row, table: "key", number: ordinal(row))
  }
}
