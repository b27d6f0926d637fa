import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What a walk along the audit finds in a database that another program has written.
@Suite struct AuditChainTests {
  let folder: TemporaryFolder

  /// Six changes of two keys; the second one is purged.
  init() throws {
    folder = try TemporaryFolder()
    let store = try SQLiteStore(path: folder.database)
    var first = try store.make(.insert(1))
    let second = try store.make(.insert(.full, .sample(2)))
    first = try store.make(.rotate(first, to: 3, oldUntil: .noon))
    let purged = try store.make(.replace(second) { $0.enabled = true })
    try store.make(.purge(purged))
    try store.make(.replace(first, .disabled) { $0.enabled = false })
    store.close()
  }

  /// What is found once statements were carried out on a copy of the database.
  private func findings(after sql: String) throws -> AuditVerification {
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    try RawDatabase(copy.database).execute("PRAGMA journal_mode = DELETE; " + sql)
    return try SQLiteStore(path: copy.database).verifyAudit()
  }

  @Test("An audit that nobody wrote to is sound, and stays so")
  func sound() throws {
    let store = try SQLiteStore(path: folder.database)
    #expect(try store.verifyAudit().isSound)
    #expect(try store.verifyAudit().rowCount == 6)
    _ = try store.commit((10...500).map { .insert($0) }, at: .noon)
    store.close()
    let again = try SQLiteStore(path: folder.database)
    #expect(try again.verifyAudit().isSound)
    #expect(try again.verifyAudit().rowCount == 497)
  }

  @Test("An empty audit is sound")
  func empty() throws {
    let other = try TemporaryFolder()
    #expect(try SQLiteStore(path: other.database).verifyAudit().isSound)
  }

  static let columns = [
    "type = type % 12 + 1", "time = time + 1", "key_id = 'key_00000000000000000000'", "uid = uid + 1",
    "user = user || ' '", "user = ''", "pid = -pid", "before = ifnull(before, '') || ' '",
    "after = ifnull(after, '') || ' '",
    "before = after, after = before", "hash = zeroblob(32)",
    "uid = pid, pid = uid", "secret = zeroblob(32)", "grace_until = ifnull(grace_until, 0) + 1",
  ]

  @Test("Any column of any row that was altered is found", arguments: columns)
  func alteredColumn(_ assignment: String) throws {
    for revision in 1...6 {
      let sql = "UPDATE audit SET \(assignment) WHERE revision = \(revision)"
      #expect(try findings(after: sql).firstBroken == Revision(revision), "\(sql)")
    }
  }

  @Test("A row that was lost is found, whichever it was")
  func deletedRow() throws {
    for revision in Revision(1)...6 {
      let found = try findings(after: "DELETE FROM audit WHERE revision = \(revision)")
      #expect(found.missing == [revision...revision])
      #expect(found.firstBroken == (revision < 6 ? revision + 1 : nil))
      #expect(!found.isSound)
    }
    #expect(try findings(after: "DELETE FROM audit").missing == [1...6])
    #expect(try findings(after: "DELETE FROM audit WHERE revision IN (2, 3, 5)").missing == [2...3, 5...5])
  }

  @Test("Rows that changed places, and one that took another revision, are found")
  func movedRows() throws {
    for (a, b) in [(1, 2), (3, 5), (5, 6)] {
      let found = try findings(
        after: """
          UPDATE audit SET revision = 99 WHERE revision = \(a);
          UPDATE audit SET revision = \(a) WHERE revision = \(b);
          UPDATE audit SET revision = \(b) WHERE revision = 99
          """)
      #expect(found.firstBroken == Revision(a))
      #expect(found.missing.isEmpty)
    }
    let moved = try findings(after: "UPDATE audit SET revision = 99 WHERE revision = 6")
    #expect(moved.firstBroken == 99)
    #expect(moved.missing.first?.lowerBound == 6)
  }

  @Test("A row that was added is found")
  func addedRow() throws {
    let columns = "type, time, key_id, uid, user, pid, before, after, hash"
    let copy = "INSERT INTO audit (revision, \(columns)) SELECT 7, \(columns) FROM audit WHERE revision = 6"
    #expect(try findings(after: copy).firstBroken == 7)
    #expect(try findings(after: copy + "; UPDATE store SET revision = 7").firstBroken == 7)
    #expect(try findings(after: "UPDATE store SET revision = 7").missing == [7...7])
  }

  static let keys = [
    "UPDATE key SET name = 'other'", "UPDATE key SET permission = 2", "UPDATE key SET enabled = 1",
    "UPDATE key SET expire_time = 1", "UPDATE key SET revoke_time = 1", "UPDATE key SET hint = ''",
    "UPDATE key SET creator = ''", "UPDATE key SET create_time = 1", "UPDATE key SET updater = ''",
    "UPDATE key SET update_time = 1", "UPDATE key SET delete_time = 1", "UPDATE key SET copy_base = 'other'",
    "UPDATE key SET revision = 1", "DELETE FROM key; DELETE FROM digest",
  ]

  @Test("A key that is not as the audit left it is found", arguments: keys)
  func alteredKey(_ sql: String) throws {
    let found = try findings(after: sql)
    #expect(found.alteredKeys == [.sample(1)])
    #expect(found.firstBroken == nil)
  }

  @Test("A store that was set back to before its newest row is found out by the key that the row is of")
  func setBack() throws {
    let revision = try RawDatabase(folder.database).number("SELECT revision FROM store")
    let found = try findings(
      after: """
        DELETE FROM audit WHERE revision = \(revision); UPDATE store SET revision = \(revision - 1);
        UPDATE key SET revision = \(revision)
        """)
    #expect(found.alteredKeys == [.sample(1)])
  }

  @Test("A key that came without a change is found, and last use is none")
  func unknownKey() throws {
    let store = try SQLiteStore(path: folder.database)
    let third = try store.make(.insert(4))
    let fourth = try store.make(.insert(5))
    store.close()
    let found = try findings(
      after: """
        DELETE FROM digest WHERE key IN (SELECT ordinal FROM key WHERE id = '\(fourth.id)');
        UPDATE digest SET key = (SELECT ordinal FROM key WHERE id = '\(third.id)') WHERE until IS NOT NULL;
        UPDATE key SET id = '\(KeyID.sample(6))' WHERE id = '\(third.id)';
        DELETE FROM key WHERE id = '\(fourth.id)';
        """)
    let expected: [KeyID] = [.sample(4), .sample(5), .sample(6)]
    #expect(found.alteredKeys == expected.sorted { $0.description < $1.description })
    #expect(try findings(after: "UPDATE key SET last_used_time = 5").isSound)
  }

  @Test("A key that was altered is found after keyward has changed it, too")
  func alteredBetween() throws {
    try RawDatabase(folder.database).execute("UPDATE key SET revoke_reason = '', expire_time = NULL, enabled = 1")
    let store = try SQLiteStore(path: folder.database)
    let key = try #require(try store.contents().keys.first).key
    try store.make(.replace(key) { $0.enabled = false })
    let found = try store.verifyAudit()
    #expect(found.alteredKeys == [.sample(1)])
    #expect(found.firstBroken == nil)
  }

  @Test("The texts and hashes are those that another program computed from their description")
  func golden() throws {
    let raw = try RawDatabase(folder.database)
    let text = [
      "1", "\(KeyID.sample(2))", "Ключ 🔑 \\\\t für «Zoë»", "2", "0", "253402300799999999", "0",
      "leaked — see\\n\\tthe \\\\log\\\\", Key.full.hint, "ada", "1800014400000000", "grace", "1800014400000000", "1",
      "1800014400000000", "1802606400000000", "2", "Ключ",
    ].joined(separator: "\t")
    #expect(try raw.text("SELECT after FROM audit WHERE revision = 2") == text)
    #expect(try raw.text("SELECT before FROM audit WHERE revision = 4") == text)
    #expect(
      try raw.text("SELECT lower(hex(secret)) FROM audit WHERE revision = 3")
        == "91e4375cb77da9aa304772fdd1c5381f019dd5efbec64046bbf2fffd0b82c01f")
    #expect(try raw.number("SELECT grace_until FROM audit WHERE revision = 3") == Instant.noon.microseconds)
    #expect(
      try raw.text("SELECT lower(hex(hash)) FROM audit WHERE revision = 1")
        == "93f9892924dde61058a178fdf6fbf5a08571eec4a29f344acbb39b8664adfe90")
    #expect(
      try raw.text("SELECT lower(hex(hash)) FROM audit WHERE revision = 6")
        == "5df9785fcc73ae78bdd52491660dd061bf7c0bbc0d40e169853357525a794414")
  }
}
