import Foundation
import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// Databases of earlier schemas.
@Suite struct MigrationTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A database as version 1 left it: two keys in a write-ahead log, one deleted, at revision 5.
  private func makeVersion1() throws {
    let raw = try RawDatabase(folder.database)
    try raw.execute(Schema.current.migrations[0])
    func digest(_ number: Int) -> String {
      Digest.sample(number).withUnsafeBytes { $0.map { String(format: "%02x", $0) }.joined() }
    }
    try raw.execute(
      """
      PRAGMA application_id = 1264013892; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
      INSERT INTO key VALUES (3, '\(KeyID.sample(1))', 'a', 1, 0, 5, 6, 'left', 'kw_chat_…abcd', 'ada', 1, 'grace', 2, 7,
        NULL, NULL, 4);
      INSERT INTO key VALUES (4, '\(KeyID.sample(2))', 'a', 2, 1, NULL, NULL, '', 'kw_mail_…abcd', 'ada', 1, 'ada', 1,
        NULL, 8, 9, 5);
      INSERT INTO digest VALUES (x'\(digest(1))', 3), (x'\(digest(2))', 4);
      UPDATE store SET revision = 5, latest_instant = \(Instant.noon.microseconds);
      """)
  }

  private static let keys = [
    Key(
      id: .sample(1), name: KeyName(checked: "a"), permission: .chat, enabled: false,
      expireTime: Instant(microseconds: 5), revokeTime: Instant(microseconds: 6), revokeReason: "left",
      hint: "kw_chat_…abcd", creator: "ada", createTime: Instant(microseconds: 1), updater: "grace",
      updateTime: Instant(microseconds: 2), lastUsedTime: Instant(microseconds: 7), revision: 4),
    Key(
      id: .sample(2), name: KeyName(checked: "a"), permission: .secureMail, enabled: true, expireTime: nil,
      hint: "kw_mail_…abcd", creator: "ada", createTime: Instant(microseconds: 1), updater: "ada",
      updateTime: Instant(microseconds: 1), deleteTime: Instant(microseconds: 8),
      purgeTime: Instant(microseconds: 9), revision: 5),
  ]

  @Test("A version 1 database keeps all it has, and its audit begins")
  func version1() throws {
    try makeVersion1()
    let store = try SQLiteStore(path: folder.database)
    let (keys, mark) = try store.contents()
    #expect(
      keys == [
        StoredKey(key: Self.keys[0], digest: .sample(1), ordinal: 3),
        StoredKey(key: Self.keys[1], digest: .sample(2), ordinal: 4),
      ])
    #expect(mark == StoreMark(revision: 5, latestInstant: .noon))
    #expect(try store.attempts().isEmpty)
    #expect(try store.audit().isEmpty)
    #expect(try store.verifyAudit().isSound)

    let updated = try store.make(.replace(Self.keys[0]) { $0.enabled = true })
    try store.make(.rotate(updated, to: 3, oldUntil: .latest))
    try store.make(.purge(Self.keys[1]))
    try store.make(.insert(4))
    store.close()
    let again = try SQLiteStore(path: folder.database)
    #expect(try again.contents().keys.map(\.ordinal) == [3, 5])
    #expect(try again.audit().map(\.revision) == [6, 7, 8, 9])
    #expect(try again.audit().first?.before == Self.keys[0])
    #expect(try again.verifyAudit().isSound)
    again.close()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.database))
    #expect(bytes[60..<64] == Data([0, 0, 0, 3]))
  }

  /// A database as version 2 left it: a key that was rotated once and one that never was.
  private func makeVersion2() throws {
    let store = try SQLiteStore(path: folder.database)
    let key = try store.make(.insert(1))
    try store.make(.rotate(key, to: 11, oldUntil: .latest))
    try store.make(.insert(2))
    store.close()
    let raw = try RawDatabase(folder.database)
    try raw.execute("PRAGMA journal_mode = DELETE")
    var hash = Data(count: 32)
    for revision in 1...3 {
      for column in ["revision", "type", "time", "key_id", "uid", "user", "pid", "before", "after"] {
        let text = try raw.text("SELECT \(column) FROM audit WHERE revision = \(revision)")
        withUnsafeBytes(of: text.map { UInt32($0.utf8.count).bigEndian } ?? .max) { hash.append(contentsOf: $0) }
        hash.append(contentsOf: Data((text ?? "").utf8))
      }
      hash = hash.withUnsafeBytes { Digest(sha256: $0) }.withUnsafeBytes { Data($0) }
      let hex = hash.map { String(format: "%02x", $0) }.joined()
      try raw.execute(
        "UPDATE audit SET hash = x'\(hex)', secret = NULL, grace_until = NULL WHERE revision = \(revision)")
    }
    try raw.execute(
      """
      ALTER TABLE audit DROP COLUMN secret; ALTER TABLE audit DROP COLUMN grace_until;
      ALTER TABLE store DROP COLUMN is_closed; PRAGMA user_version = 2
      """)
  }

  @Test("The audit of a version 2 database stays sound, and commits to secrets from the next ones on")
  func version2() throws {
    try makeVersion2()
    var store = try SQLiteStore(path: folder.database)
    #expect(try store.verifyAudit().isSound)
    #expect(try store.audit().map(\.graceEnd) == [nil, nil, nil])
    store.close()
    // Of secrets that no row commits to nothing can be said.
    func tamper(_ sql: String) throws -> AuditVerification {
      let copy = try TemporaryFolder()
      try copy.write(try folder.snapshot())
      try RawDatabase(copy.database).execute("PRAGMA journal_mode = DELETE; " + sql)
      return try SQLiteStore(path: copy.database).verifyAudit()
    }
    let later = Instant.noon.adding(seconds: 60)
    let exchange = "UPDATE digest SET digest = zeroblob(32) WHERE key = 1 AND until IS NULL"
    let prolong = "UPDATE digest SET until = \(later.microseconds + 1) WHERE key = 1 AND until IS NOT NULL"
    #expect(try tamper(exchange).isSound)
    #expect(try tamper(prolong).isSound)

    store = try SQLiteStore(path: folder.database)
    let keys = try store.contents().keys.map(\.key)
    let rotated = try store.make(.rotate(keys[0], to: 12, oldUntil: later))
    try store.make(.replace(keys[1]) { $0.enabled = false })
    try store.make(.insert(3))
    #expect(try store.verifyAudit().isSound)
    store.close()
    #expect(try tamper(exchange).alteredKeys == [.sample(1)])
    #expect(try tamper(prolong).alteredKeys == [.sample(1)])
    #expect(try tamper("UPDATE digest SET digest = zeroblob(32) WHERE key = 3").alteredKeys == [.sample(3)])
    #expect(try tamper("UPDATE digest SET digest = zeroblob(32) WHERE key = 2").isSound)
    let plant = "INSERT INTO digest VALUES (zeroblob(32), 2, \(Instant.latest.microseconds))"
    #expect(try tamper(plant).alteredKeys == [.sample(2)], "a key that was never rotated has one secret")

    store = try SQLiteStore(path: folder.database)
    try store.make(.rotate(rotated, to: 13, oldUntil: later), at: later)
    #expect(try store.verifyAudit().isSound)
  }

  @Test("The beginning of an audit that version 1 has no part in cannot be lost unseen")
  func lostBeginning() throws {
    try makeVersion1()
    let store = try SQLiteStore(path: folder.database)
    try store.make(.insert(4))
    try store.make(.insert(5))
    store.close()
    try RawDatabase(folder.database).execute("DELETE FROM audit WHERE revision = 6")
    #expect(try SQLiteStore(path: folder.database).verifyAudit().missing == [6...6])
    try RawDatabase(folder.database).execute("DELETE FROM audit")
    #expect(try SQLiteStore(path: folder.database).verifyAudit().missing == [6...7])
  }

  @Test("A migration cut off before its commit starts over")
  func cutOff() throws {
    try makeVersion1()
    let next = Schema(migrations: Schema.current.migrations.dropLast() + [Schema.current.migrations[1] + "; oops"])
    let before = try folder.snapshot()["keyward.db"]
    #expect(throws: StoreOpenError.self) { try SQLiteStore(path: folder.database, schema: next) }
    #expect(try folder.snapshot()["keyward.db"] == before)
    #expect(try SQLiteStore(path: folder.database).contents().keys.map(\.key) == Self.keys)
  }

  @Test("Released scripts never change")
  func released() {
    var script = Schema.current.migrations[0]
    let digest = script.withUTF8 { Digest(sha256: UnsafeRawBufferPointer($0)) }
    let hex = digest.withUnsafeBytes { $0.map { String(format: "%02x", $0) }.joined() }
    #expect(hex == "008e4528e6fe4b34456c15ea0ad3d15762077217e1596c4fc8716eff9035a928")
  }
}
