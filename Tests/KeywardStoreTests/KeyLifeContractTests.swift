import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do with keys that are there already, over each of them.
@Suite struct KeyLifeContractTests {
  @Test("A key that is replaced keeps its place and digest, and is there in full", arguments: StoreSubject.all)
  func replace(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let before = try rig.store.make(.insert(.sample(2), .sample(2)))
    try rig.store.make(.insert(1))
    let result = try rig.store.commit([Change(.replace(.full), type: .updated, by: .sample, before: before)], at: .noon)
    #expect(result == [.success(Placement(ordinal: 1, revision: 3))])
    let stored = try rig.reopened().contents().keys
    #expect(stored.first == StoredKey(key: .full.with(revision: 3), digest: .sample(2), ordinal: 1))
    #expect(stored.map(\.key.revision) == [3, 2])
  }

  @Test("A change of a key that another change has come before is refused", arguments: StoreSubject.all)
  func changed(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let old = try rig.store.make(.insert(1))
    let new = try rig.store.make(.replace(old) { $0.enabled = false })
    let stale: [Change] = [
      .replace(old) { $0.enabled = true }, .rotate(old, to: 9, oldUntil: .noon), .purge(old),
      .replace(new.with(revision: 99)) { $0.enabled = true }, .replace(.sample(7, revision: 1)) { _ in },
      Change(.replace(new), type: .updated, by: .sample, before: nil),
      Change(.replace(.sample(7)), type: .updated, by: .sample, before: new),
    ]
    for change in stale { #expect(try rig.store.refusal(of: change) == .changed) }
    #expect(try rig.store.contents().keys == [StoredKey(key: new, digest: .sample(1), ordinal: 1)])
    #expect(try rig.store.contents().mark.revision == 2)
  }

  @Test("Changes of one key in one batch come one after the other", arguments: StoreSubject.all)
  func oneBatch(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1))
    let results = try rig.store.commit(
      [
        .replace(key) { $0.enabled = false }, .replace(key) { $0.revokeTime = .noon },
        .replace(key.with(revision: 2)) { $0.enabled = true }, .purge(key.with(revision: 2)),
        .purge(key.with(revision: 3)), .insert(.sample(1), .sample(1)),
      ], at: .noon)
    #expect(
      results == [
        .success(Placement(ordinal: 1, revision: 2)), .failure(.changed),
        .success(Placement(ordinal: 1, revision: 3)), .failure(.changed),
        .success(Placement(ordinal: 1, revision: 4)), .success(Placement(ordinal: 2, revision: 5)),
      ])
    #expect(try rig.reopened().audit().map(\.revision) == [1, 2, 3, 4, 5])
  }

  @Test("A name goes from key to key in one batch, and is never two keys' at once", arguments: StoreSubject.all)
  func rename(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let a = try rig.store.make(.insert(1, name: "a"))
    let b = try rig.store.make(.insert(2, name: "b"))
    let results = try rig.store.commit(
      [
        .replace(a) { $0.name = KeyName(checked: "b") }, .replace(b) { $0.name = KeyName(checked: "c") },
        .replace(a) { $0.name = KeyName(checked: "b") }, .insert(3, name: "b"), .insert(4, name: "a"),
        .insert(5, name: "c"),
      ], at: .noon)
    #expect(
      results == [
        .failure(.nameTaken), .success(Placement(ordinal: 2, revision: 3)),
        .success(Placement(ordinal: 1, revision: 4)), .failure(.nameTaken),
        .success(Placement(ordinal: 3, revision: 5)), .failure(.nameTaken),
      ])
    #expect(try rig.reopened().contents().keys.map(\.key.name.text) == ["b", "c", "a"])
  }

  @Test("A key may be replaced under its own name", arguments: StoreSubject.all)
  func sameName(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1))
    #expect(try rig.store.make(.replace(key, .disabled) { $0.enabled = false }).revision == 2)
  }

  @Test("A deleted key comes back only while nobody else has its name", arguments: StoreSubject.all)
  func undelete(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1, name: "n"))
    let deleted = try rig.store.make(.replace(key, .deleted) { $0.deleteTime = .noon })
    let other = try rig.store.make(.insert(2, name: "n"))
    let undelete = Change.replace(deleted, .undeleted) { $0.deleteTime = nil }
    #expect(try rig.store.refusal(of: undelete) == .nameTaken)
    let renamed = try rig.store.make(.replace(deleted) { $0.name = KeyName(checked: "m") })
    #expect(renamed.deleteTime != nil)
    try rig.store.make(.replace(other) { $0.name = KeyName(checked: "o") })
    try rig.store.make(
      .replace(renamed, .undeleted) {
        $0.deleteTime = nil
        $0.name = KeyName(checked: "n")
      })
    #expect(try rig.reopened().contents().keys.map(\.key.name.text) == ["n", "o"])
  }

  @Test("Secrets end when they were to, and none after the one that took its place", arguments: StoreSubject.all)
  func rotation(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let (soon, later) = (Instant.noon.adding(seconds: 60), Instant.noon.adding(seconds: 3600))
    var key = try rig.store.make(.insert(1))
    key = try rig.store.make(.rotate(key, to: 11, oldUntil: soon))
    key = try rig.store.make(.rotate(key, to: 12, oldUntil: later))
    let graced = [FormerDigest(digest: .sample(1), until: soon), FormerDigest(digest: .sample(11), until: later)]
    #expect(
      try rig.store.contents().keys == [StoredKey(key: key, digest: .sample(12), former: graced, ordinal: 1)])
    #expect(key.hint == Secret.sample(12).hint)

    key = try rig.store.make(.rotate(key, to: 13, oldUntil: .noon))
    let former = try #require(try rig.reopened().contents().keys.first).former
    #expect(former.count == 3)
    #expect(former.allSatisfy { $0.until == .noon }, "what leaked before is as bad as what leaked last")
  }

  @Test("A rotation drops the key's former digests that have ended, and no others", arguments: StoreSubject.all)
  func rotationDrops(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let (soon, later) = (Instant.noon.adding(seconds: 60), Instant.noon.adding(seconds: 3600))
    let other = try rig.store.make(.insert(2))
    try rig.store.make(.rotate(other, to: 101, oldUntil: soon))
    var key = try rig.store.make(.insert(1))
    key = try rig.store.make(.rotate(key, to: 11, oldUntil: soon))
    key = try rig.store.make(.rotate(key, to: 12, oldUntil: later))
    for number in 13...40 { key = try rig.store.make(.rotate(key, to: number, oldUntil: soon), at: soon) }
    #expect(
      try rig.reopened().key(key.id)?.former.map(\.digest) == [.sample(39)],
      "each ends the one before, and the next one drops it")
    let again = try rig.reopened()
    #expect(try again.key(other.id)?.former == [FormerDigest(digest: .sample(2), until: soon)])
    try again.make(.insert(.sample(3), .sample(11)))
  }

  @Test("A digest that any key has or had is taken", arguments: StoreSubject.all)
  func takenDigests(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1))
    let other = try rig.store.make(.insert(2))
    let rotated = try rig.store.make(.rotate(key, to: 3, oldUntil: .noon))
    for number in 1...3 {
      #expect(try rig.store.refusal(of: .rotate(rotated, to: number, oldUntil: .noon)) == .duplicate)
      #expect(try rig.store.refusal(of: .rotate(other, to: number, oldUntil: .noon)) == .duplicate)
      #expect(try rig.store.refusal(of: .insert(.sample(9), .sample(number))) == .duplicate)
    }
    #expect(try rig.reopened().contents().mark.revision == 3)
  }

  @Test("A grace that would end past all time ends with it", arguments: StoreSubject.all)
  func endlessGrace(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(1))
    try rig.store.make(.rotate(key, to: 2, oldUntil: .distantFuture))
    #expect(
      try rig.reopened().key(key.id)?.former == [FormerDigest(digest: .sample(1), until: .latest)])
  }

  @Test("A key that is purged frees its name, its id and its digests, and not its place", arguments: StoreSubject.all)
  func purge(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    try rig.store.make(.insert(1, name: "first"))
    let key = try rig.store.make(.insert(2, name: "n"))
    let rotated = try rig.store.make(.rotate(key, to: 3, oldUntil: .latest))
    #expect(try rig.store.commit([.purge(rotated)], at: .noon) == [.success(Placement(ordinal: 2, revision: 4))])
    #expect(try rig.store.contents().keys.map(\.ordinal) == [1])
    #expect(try rig.store.refusal(of: .purge(rotated)) == .changed)

    let again = try rig.reopened()
    let results = try again.commit(
      [.insert(.sample(2, name: "n"), .sample(3)), .insert(.sample(3), .sample(2))], at: .noon)
    #expect(
      results == [.success(Placement(ordinal: 3, revision: 5)), .success(Placement(ordinal: 4, revision: 6))])
    #expect(try again.contents().mark.revision == 6)
  }

  @Test("The name that copies count on from is kept", arguments: StoreSubject.all)
  func copyBase(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let copy = Key.sample(1, name: "base_1").changed { $0.copyBase = KeyName(checked: "base") }
    let stored = try rig.store.make(.insert(copy, .sample(1)))
    try rig.store.make(.insert(2, name: "base"))
    try rig.store.make(
      .replace(stored) {
        $0.name = KeyName(checked: "own")
        $0.copyBase = $0.name
      })
    try rig.store.make(.insert(.sample(3, name: "base_2").changed { $0.copyBase = copy.copyBase }, .sample(3)))
    let again = try rig.reopened()
    #expect(try again.contents().keys.map(\.key.copyBase.text) == ["own", "base", "base"])
    #expect(try again.audit().map(\.after?.copyBase.text) == ["base", "base", "own", "base"])
  }
}
