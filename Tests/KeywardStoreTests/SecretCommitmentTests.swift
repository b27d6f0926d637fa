import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What a walk along the audit finds of secrets, and of the recorded clock, that another program has written.
@Suite struct SecretCommitmentTests {
  let folder: TemporaryFolder
  private static let soon = Instant.noon.adding(seconds: 60)
  private static let later = Instant.noon.adding(seconds: 3600)

  /// A key with the secret 12 and two former ones, 1 and 11, that are still good; another with the secret 2.
  init() throws {
    folder = try TemporaryFolder()
    let store = try SQLiteStore(path: folder.database)
    var key = try store.make(.insert(1))
    try store.make(.insert(2))
    key = try store.make(.rotate(key, to: 11, oldUntil: Self.soon))
    try store.make(.rotate(key, to: 12, oldUntil: Self.later))
    store.close()
  }

  private func findings(after sql: String) throws -> AuditVerification {
    let copy = try TemporaryFolder()
    try copy.write(try folder.snapshot())
    try RawDatabase(copy.database).execute("PRAGMA journal_mode = DELETE; " + sql)
    return try SQLiteStore(path: copy.database).verifyAudit()
  }

  /// A tampering, and the keys by whose numbers it is told.
  struct Tampering: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    let keys: [Int]
  }

  private static let tamperings = [
    Tampering(
      testDescription: "a key's digest is exchanged",
      sql: "UPDATE digest SET digest = \(hex(99)) WHERE digest = \(hex(12))", keys: [1]),
    Tampering(
      testDescription: "the digest of a key that was never rotated is exchanged",
      sql: "UPDATE digest SET digest = \(hex(99)) WHERE digest = \(hex(2))", keys: [2]),
    Tampering(
      testDescription: "two keys' digests change places",
      sql: """
        UPDATE digest SET digest = \(hex(99)) WHERE digest = \(hex(2));
        UPDATE digest SET digest = \(hex(2)) WHERE digest = \(hex(12));
        UPDATE digest SET digest = \(hex(12)) WHERE digest = \(hex(99))
        """, keys: [1, 2]),
    Tampering(
      testDescription: "a former digest becomes the key's own again",
      sql: """
        DELETE FROM digest WHERE digest = \(hex(12)); UPDATE digest SET until = NULL WHERE digest = \(hex(11))
        """, keys: [1]),
    Tampering(
      testDescription: "a digest for ever is added",
      sql: "INSERT INTO digest VALUES (\(hex(99)), 1, \(Instant.latest.microseconds))", keys: [1]),
    Tampering(
      testDescription: "a digest for ever is added to a key that was never rotated",
      sql: "INSERT INTO digest VALUES (\(hex(99)), 2, \(Instant.latest.microseconds))", keys: [2]),
    Tampering(
      testDescription: "a digest is added that ends with a grace",
      sql: "INSERT INTO digest VALUES (\(hex(99)), 1, \(soon.microseconds))", keys: [1]),
    Tampering(
      testDescription: "a former digest is good for longer",
      sql: "UPDATE digest SET until = \(later.microseconds) WHERE digest = \(hex(1))", keys: [1]),
    Tampering(
      testDescription: "a former digest ends earlier",
      sql: "UPDATE digest SET until = until - 1 WHERE digest = \(hex(11))", keys: [1]),
    Tampering(
      testDescription: "a former digest that is still good is gone",
      sql: "DELETE FROM digest WHERE digest = \(hex(1))", keys: [1]),
    Tampering(
      testDescription: "a former digest goes over to another key",
      sql: "UPDATE digest SET key = 2 WHERE digest = \(hex(1))", keys: [1, 2]),
  ]

  @Test("Secrets that are not as the audit left them are found, by the keys that have them", arguments: tamperings)
  func tampered(_ tampering: Tampering) throws {
    let found = try findings(after: tampering.sql)
    #expect(found.alteredKeys == tampering.keys.map(KeyID.sample).sorted { $0.description < $1.description })
    #expect(found.firstBroken == nil && found.missing.isEmpty && !found.isClockSetBack && !found.isSound)
    #expect(
      AuditSummary(found).findings.first?.contains("\(found.alteredKeys[0]), or a secret of it, is or was") == true)
  }

  @Test("A row that no longer commits to a secret, or to another, or to another grace, is broken")
  func rows() throws {
    for revision in Revision(1)...4 {
      for assignment in ["secret = NULL", "secret = zeroblob(32)", "grace_until = ifnull(grace_until, 0) + 1"] {
        let found = try findings(after: "UPDATE audit SET \(assignment) WHERE revision = \(revision)")
        #expect(found.firstBroken == revision, "\(assignment)")
      }
    }
    #expect(try findings(after: "UPDATE audit SET grace_until = NULL WHERE revision = 3").firstBroken == 3)
  }

  @Test("Whatever rotations, forgetting and purges come to, the audit is sound, in pieces of any size")
  func sound() throws {
    let store = try SQLiteStore(path: folder.database)
    func verify(_ count: Int) throws {
      #expect(try store.contents().keys.reduce(0) { $0 + $1.former.count } == count)
      for limit in [1, 2, 3, 1000] {
        let verifier = try #require(store.auditVerifier())
        var found: AuditVerification?
        for _ in 0..<100 where found == nil { found = try verifier.step(limit: limit) }
        #expect(try #require(found).isSound)
      }
    }
    try verify(2)
    _ = try store.commit([], at: Self.soon)
    try verify(2)
    #expect(try store.forget(before: Self.soon) == 1)
    try verify(1)
    var key = try #require(try store.key(.sample(1))).key
    key = try store.make(.rotate(key, to: 13, oldUntil: .latest), at: Self.soon)
    try verify(2)
    key = try store.make(.replace(key) { $0.enabled = false }, at: Self.soon)
    key = try store.make(.rotate(key, to: 14, oldUntil: Self.later), at: Self.soon.adding(seconds: 1))
    try verify(3)
    key = try store.make(.rotate(key, to: 15, oldUntil: Self.later), at: Self.later)
    try verify(1)
    try store.make(.rotate(try #require(try store.key(.sample(2))).key, to: 16, oldUntil: .epoch), at: Self.later)
    try verify(2)
    try store.make(.purge(key), at: Self.later)
    // A purged key's secret may come again.
    try store.make(.insert(.sample(3), .sample(12)), at: Self.later)
    try verify(1)
  }

  @Test("A recorded clock that was set back is found, also after the clock has gone on")
  func clock() throws {
    #expect(try !findings(after: "UPDATE store SET latest_instant = latest_instant + 1").isClockSetBack)
    for instant in ["0", "latest_instant - 1"] {
      let found = try findings(after: "UPDATE store SET latest_instant = \(instant)")
      #expect(found.isClockSetBack && !found.isSound)
      #expect(found.firstBroken == nil && found.missing.isEmpty && found.alteredKeys.isEmpty)
      #expect(AuditSummary(found).findings.contains { $0.hasPrefix("the latest instant of the store was set back") })
    }
    try RawDatabase(folder.database).execute("UPDATE store SET latest_instant = 0")
    let store = try SQLiteStore(path: folder.database)
    try store.make(.insert(4), at: .epoch)
    try store.make(.insert(5), at: Self.later)
    #expect(try store.verifyAudit().isClockSetBack)
    #expect(try store.verifyAudit().firstBroken == nil)
  }

  @Test("The audit's end is the last row that is there, for a walk and for the registry", arguments: 0...4)
  func head(_ lostCount: Int) throws {
    let raw = try RawDatabase(folder.database)
    try raw.execute("PRAGMA journal_mode = DELETE; DELETE FROM audit WHERE revision > \(4 - lostCount)")
    let last = Revision(4 - lostCount)
    let hash = last == 0 ? "" : try raw.text("SELECT lower(hex(hash)) FROM audit WHERE revision = \(last)") ?? "none"
    let store = try SQLiteStore(path: folder.database)
    let found = try store.verifyAudit()
    #expect(found.missing == (lostCount == 0 ? [] : [last + 1...4]))
    #expect(found.head.revision == last && found.head.hashText == hash)
    #expect(try Registry(store: store).auditHead == found.head)
    let conclusion = AuditSummary(found).conclusion
    #expect(conclusion.hasSuffix(last == 0 ? "is broken" : "the row of revision \(last) has the hash \(hash)"))
  }

  /// A digest as SQL.
  private static func hex(_ number: Int) -> String {
    let digits = Digest.sample(number).withUnsafeBytes { bytes in
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    return "x'\(digits)'"
  }
}
