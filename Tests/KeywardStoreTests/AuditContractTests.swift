import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store's audit must tell, over each of them.
@Suite struct AuditContractTests {
  @Test("Each change has its event, with the key before and after it, exactly", arguments: StoreSubject.all)
  func records(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let actor = Actor(uid: .max, user: "Zoë\tDoe\\n", pid: .max)
    let created = try rig.store.make(Change(.insert(.full, .sample(2)), type: .imported, by: actor, before: nil))
    let later = Instant.noon.adding(seconds: 1)
    let updated = try rig.store.make(.replace(created) { $0.revokeReason = "" }, at: later)
    let sweeper = Actor(uid: 0, user: "", pid: -1)
    let rotation = Change.Effect.rotate(updated, .sample(3), oldUntil: .latest)
    let rotated = try rig.store.make(Change(rotation, type: .rotated, by: sweeper, before: updated), at: later)
    try rig.store.make(.purge(rotated), at: later)
    func event(
      _ revision: Revision, _ type: ChangeType, _ time: Instant, _ actor: Actor, _ before: Key?, _ after: Key?,
      graceEnd: Instant? = nil
    ) -> AuditEvent {
      AuditEvent(
        revision: revision, type: type, time: time, keyID: .sample(2), actor: actor, before: before, after: after,
        graceEnd: graceEnd)
    }
    let expected = [
      event(1, .imported, .noon, actor, nil, created), event(2, .updated, later, .sample, created, updated),
      event(3, .rotated, later, sweeper, updated, rotated, graceEnd: .latest),
      event(4, .purged, later, .sample, rotated, nil),
    ]
    #expect(try rig.store.audit() == expected)
    #expect(try rig.reopened().audit() == expected)
  }

  @Test(
    "A rotation tells until when the secrets before it are good, within what an instant can be",
    arguments: StoreSubject.all)
  func graceEnds(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    var key = try rig.store.make(.insert(1))
    let ends = [Instant.noon.adding(seconds: 60), .noon, .distantFuture, Instant(microseconds: -5)]
    for (number, end) in ends.enumerated() { key = try rig.store.make(.rotate(key, to: 10 + number, oldUntil: end)) }
    let told = [nil, Instant.noon.adding(seconds: 60), .noon, .latest, .epoch]
    #expect(try rig.reopened().audit().map(\.graceEnd) == told)
  }

  @Test("Every field is told in the audit alone", arguments: StoreSubject.all)
  func optionalFields(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let time = Instant.noon.adding(seconds: 1)
    let keys: [Key] = [
      .sample(1, expireTime: time), .sample(2, revokeTime: time), .sample(3, revokeTime: time, revokeReason: "left"),
      .sample(4, lastUsedTime: time), .sample(5, deleteTime: time), .sample(6, deleteTime: time, purgeTime: time),
      .sample(7, enabled: false), .sample(8, permission: .secureMail), .sample(9, createTime: .epoch),
    ]
    _ = try rig.store.commit(keys.enumerated().map { .insert($1, .sample($0)) }, at: .noon)
    #expect(try rig.reopened().audit().map { $0.after?.with(revision: 0) } == keys)
  }

  @Test("A change that was refused, or whose commit failed, has no event", arguments: StoreSubject.all)
  func refused(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1))
    _ = try rig.store.commit(
      [
        .insert(1), .insert(2, name: key.name.text), .purge(key.with(revision: 9)),
        .rotate(key, to: 1, oldUntil: .noon),
      ],
      at: .noon)
    #expect(try rig.store.audit().map(\.revision) == [1])
    if let fake = rig.store as? FakeStore { fake.failNextCommit(with: .unavailable("told to")) }
    let attempt = AttemptID(uid: 1, requestID: RequestID(checked: "a"), fingerprint: .sample(1))
    let name = String(repeating: "more than fits", count: 20)
    #expect(throws: StoreError.self) {
      _ = try rig.store.commit(
        [
          Change(.insert(.sample(3), .sample(3)), type: .created, by: .sample, before: nil, attempt: attempt),
          .replace(key) { $0.name = KeyName(checked: name) },
        ], at: .noon)
    }
    let again = try rig.reopened()
    #expect(try again.audit().map(\.revision) == [1])
    #expect(try again.attempts().isEmpty)
    #expect(try again.contents().keys.count == 1)
  }

  @Test("An event's time is never before the one of the event before it", arguments: StoreSubject.all)
  func time(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let later = Instant.noon.adding(seconds: 5)
    try rig.store.make(.insert(1), at: later)
    try rig.store.make(.insert(2), at: .noon)
    try rig.store.make(.insert(3), at: Instant(microseconds: -1))
    try rig.store.make(.insert(4), at: later.adding(seconds: 1))
    #expect(try rig.store.audit().map(\.time) == [later, later, later, later.adding(seconds: 1)])
  }
}

/// What audit queries find in a hundred changes.
@Suite struct AuditQueryContractTests {
  /// Ten keys of two users; each is made, then changed nine times, two changes in a second.
  private func fill(_ store: any Store) throws {
    var keys: [Key] = []
    let types: [ChangeType] = [.updated, .enabled, .disabled]
    for step in 0..<100 {
      let time = Instant.noon.adding(seconds: Int64(step / 2))
      let number = step % 10
      let actor = Actor(uid: 1, user: number < 3 ? "ada" : "Ada", pid: 1)
      if step < 10 {
        keys.append(
          try store.make(
            Change(.insert(.sample(number), .sample(number)), type: .created, by: actor, before: nil), at: time))
      } else {
        let after = keys[number].changed { $0.enabled.toggle() }
        keys[number] = try store.make(
          Change(.replace(after), type: types[step % 3], by: actor, before: keys[number]), at: time)
      }
    }
  }

  /// A query, and which revisions it finds.
  struct Search: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let query: AuditQuery
    let finds: @Sendable (Int) -> Bool
  }

  // Revision r is step r - 1.
  private static let searches = [
    Search(testDescription: "everything", query: AuditQuery()) { _ in true },
    Search(testDescription: "a key", query: AuditQuery(keyID: .sample(4))) { ($0 - 1) % 10 == 4 },
    Search(testDescription: "no such key", query: AuditQuery(keyID: .sample(77))) { _ in false },
    Search(testDescription: "a user", query: AuditQuery(user: "ada")) { ($0 - 1) % 10 < 3 },
    Search(testDescription: "no such user", query: AuditQuery(user: "ADA")) { _ in false },
    Search(testDescription: "a type", query: AuditQuery(types: [.created])) { $0 <= 10 },
    Search(testDescription: "two types", query: AuditQuery(types: [.created, .enabled])) {
      $0 <= 10 || ($0 - 1) % 3 == 1
    },
    Search(testDescription: "a type that never was", query: AuditQuery(types: [.purged])) { _ in false },
    Search(testDescription: "from an instant on", query: AuditQuery(start: .noon.adding(seconds: 20))) { $0 > 40 },
    Search(testDescription: "before an instant", query: AuditQuery(end: .noon.adding(seconds: 20))) { $0 <= 40 },
    Search(
      testDescription: "between two instants",
      query: AuditQuery(start: .noon.adding(seconds: 20), end: .noon.adding(seconds: 21))
    ) { $0 == 41 || $0 == 42 },
    Search(testDescription: "no time at all", query: AuditQuery(start: .noon, end: .noon)) { _ in false },
    Search(
      testDescription: "all of it together",
      query: AuditQuery(
        keyID: .sample(1), user: "ada", types: [.updated, .disabled], start: .noon.adding(seconds: 10),
        end: .noon.adding(seconds: 40))
    ) { ($0 - 1) % 10 == 1 && ($0 - 1) % 3 != 1 && (21...80).contains($0) },
  ]

  @Test("What a query finds comes the latest first, in pages, with how many it finds", arguments: StoreSubject.all)
  func queries(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    try fill(rig.store)
    let store = try rig.reopened()
    for search in Self.searches {
      let expected = (1...100).filter(search.finds).reversed().map { Revision($0) }
      for limit in [1, 3, 7, 100, Int.max] {
        var found: [Revision] = []
        while true {
          let (events, total) = try store.auditEvents(search.query, before: found.last, limit: limit)
          #expect(total == expected.count, "\(search.testDescription)")
          #expect(events.count == min(limit, expected.count - found.count), "\(search.testDescription)")
          found += events.map(\.revision)
          if events.isEmpty { break }
        }
        #expect(found == expected, "\(search.testDescription), \(limit) a page")
      }
    }
  }

  @Test("A page may begin anywhere", arguments: StoreSubject.all)
  func beginnings(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    try fill(rig.store)
    func first(before revision: Revision) throws -> Revision? {
      try rig.store.auditEvents(AuditQuery(), before: revision, limit: 1).events.first?.revision
    }
    #expect(try first(before: .max) == 100)
    #expect(try first(before: 101) == 100)
    #expect(try first(before: 2) == 1)
    #expect(try first(before: 1) == nil)
    #expect(try first(before: .min) == nil)
    #expect(try rig.store.auditEvents(AuditQuery(), before: nil, limit: 0).events.isEmpty)
    #expect(try rig.store.auditEvents(AuditQuery(), before: nil, limit: -1).total == 100)
  }

  @Test("Events after a revision come in the order they were made, so many of them", arguments: StoreSubject.all)
  func succession(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    #expect(try rig.store.auditStart() == nil)
    #expect(try rig.store.auditEvents(after: 0, limit: 10).isEmpty)
    try fill(rig.store)
    for isReopened in [false, true] {
      let store = isReopened ? try rig.reopened() : rig.store
      #expect(try store.auditStart() == 0)
      let all = try store.audit()
      #expect(try store.auditEvents(after: 0, limit: .max) == all)
      for (start, limit) in [(0, 1), (0, 7), (42, 9), (95, 10), (99, 1), (100, 1), (1000, 1), (50, 0), (50, -1)] {
        let expected = start < 100 ? Array(all[start...].prefix(max(0, limit))) : []
        #expect(try store.auditEvents(after: Revision(start), limit: limit) == expected, "\(start), \(limit)")
      }
      #expect(try store.auditEvents(after: .max, limit: 1).isEmpty)
      #expect(try store.auditEvents(after: .min, limit: 1).map(\.revision) == [1])
    }
  }
}
