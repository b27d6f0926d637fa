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
