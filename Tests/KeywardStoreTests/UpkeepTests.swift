import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What the store drops once it no longer matters.
@Suite struct UpkeepTests {
  let folder: TemporaryFolder
  let store: SQLiteStore

  init() throws {
    folder = try TemporaryFolder()
    store = try SQLiteStore(path: folder.database)
  }

  @Test("Former digests go when they have ended, and are free then")
  func digests() throws {
    let (soon, later) = (Instant.noon.adding(seconds: 60), Instant.noon.adding(seconds: 3600))
    var key = try store.make(.insert(1))
    key = try store.make(.rotate(key, to: 11, oldUntil: soon))
    key = try store.make(.rotate(key, to: 12, oldUntil: later))
    #expect(try store.forget(before: Instant(microseconds: soon.microseconds - 1)) == 0)
    _ = try store.commit([], at: soon)
    #expect(try store.forget(before: soon) == 1)
    #expect(try store.key(key.id)?.former == [FormerDigest(digest: .sample(11), until: later)])
    #expect(try store.verifyAudit().isSound)
    _ = try store.commit([], at: later)
    #expect(try store.forget(before: .latest) == 1)
    #expect(try store.key(key.id) == StoredKey(key: key, digest: .sample(12), ordinal: 1))
    try store.make(.insert(.sample(2), .sample(11)))
    #expect(try store.verifyAudit().isSound)
  }

  @Test("Attempts go after 24 hours, as many at a time as was said")
  func attempts() throws {
    for number in 1...5 {
      let id = AttemptID(uid: 1, requestID: RequestID(checked: "r\(number)"), fingerprint: .sample(number))
      let insert = Change.Effect.insert(.sample(number), .sample(number))
      try store.make(
        Change(insert, type: .created, by: .sample, before: nil, attempt: id),
        at: Instant.noon.adding(seconds: Int64(number)))
    }
    let end = Instant.noon.adding(seconds: RequestID.lifetimeSeconds)
    #expect(try store.forget(before: end) == 0)
    #expect(try store.forget(before: end.adding(seconds: 1)) == 1)
    #expect(try store.attempts().map(\.id.requestID.text) == ["r2", "r3", "r4", "r5"])
    #expect(try store.forget(before: .distantFuture, limit: 3) == 3)
    #expect(try store.forget(before: .distantFuture, limit: 3) == 1)
    #expect(try store.forget(before: .distantFuture, limit: 3) == 0)
    #expect(try store.contents().mark == StoreMark(revision: 5, latestInstant: .noon.adding(seconds: 5)))
  }

  @Test("A closed store forgets nothing")
  func closed() throws {
    store.close()
    #expect(throws: StoreError.unavailable("the store is closed")) { try store.forget(before: .noon) }
    #expect(throws: StoreError.unavailable("the store is closed")) { try store.verifyAudit() }
  }
}
