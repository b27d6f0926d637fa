import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do, over each of them.
@Suite struct StoreContractTests {
  /// A store under test, by its name.
  struct Subject: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let make: @Sendable () throws -> Rig
  }

  /// A store, a way to close it and open it again, and the folder that has to be there as long.
  struct Rig {
    let store: any Store
    let folder: TemporaryFolder?
    let reopened: () throws -> any Store
  }

  static let subjects = [
    Subject(testDescription: "the fake") {
      let store = FakeStore()
      return Rig(store: store, folder: nil) { store }
    },
    Subject(testDescription: "SQLite") {
      let folder = try TemporaryFolder()
      let store = try SQLiteStore(path: folder.database)
      return Rig(store: store, folder: folder) {
        store.close()
        return try SQLiteStore(path: folder.database)
      }
    },
  ]

  @Test("A new store is empty, at revision 0", arguments: subjects)
  func empty(_ subject: Subject) throws {
    let rig = try subject.make()
    let (keys, mark) = try rig.store.contents()
    #expect(keys.isEmpty)
    #expect(mark == StoreMark(revision: 0, latestInstant: .epoch))
  }

  @Test("What was inserted is there after reopening, with every field", arguments: subjects)
  func reload(_ subject: Subject) throws {
    let rig = try subject.make()
    let plain = Key.sample(1)
    let full = Key.sample(
      2, name: "Ключ 🔑 für «Zoë»", permission: .secureMail, enabled: false, expireTime: .latest,
      revokeTime: .epoch, revokeReason: "leaked — see\nthe log", lastUsedTime: Instant(microseconds: 1),
      deleteTime: .noon, purgeTime: Instant.noon.adding(seconds: 30 * 86400))
    let results = try rig.store.commit([.insert(plain, .sample(1)), .insert(full, .sample(2))], at: .noon)
    #expect(results == [.success(Placement(ordinal: 1, revision: 1)), .success(Placement(ordinal: 2, revision: 2))])

    let (keys, mark) = try rig.reopened().contents()
    #expect(mark == StoreMark(revision: 2, latestInstant: .noon))
    #expect(keys.map(\.key) == [plain.with(revision: 1), full.with(revision: 2)])
    #expect(keys.map(\.ordinal) == [1, 2])
    #expect(keys.map(\.digest) == [.sample(1), .sample(2)])
  }

  @Test("Each optional field is kept alone", arguments: subjects)
  func optionalFields(_ subject: Subject) throws {
    let rig = try subject.make()
    let time = Instant.noon.adding(seconds: 1)
    let keys: [Key] = [
      .sample(1, expireTime: time), .sample(2, revokeTime: time), .sample(3, revokeTime: time, revokeReason: "left"),
      .sample(4, lastUsedTime: time), .sample(5, deleteTime: time), .sample(6, deleteTime: time, purgeTime: time),
      .sample(7, enabled: false), .sample(8, permission: .secureMail),
    ]
    _ = try rig.store.commit(keys.enumerated().map { .insert($1, .sample($0)) }, at: .noon)
    #expect(try rig.reopened().contents().keys.map { $0.key.with(revision: 0) } == keys)
  }

  @Test("A taken name leaves its own change out and no other, in one batch and across batches", arguments: subjects)
  func nameTaken(_ subject: Subject) throws {
    let rig = try subject.make()
    let first = try rig.store.commit([.insert(1, name: "a"), .insert(2, name: "a"), .insert(3, name: "b")], at: .noon)
    #expect(
      first == [
        .success(Placement(ordinal: 1, revision: 1)), .failure(.nameTaken),
        .success(Placement(ordinal: 2, revision: 2)),
      ])
    let second = try rig.store.commit([.insert(4, name: "b"), .insert(5, name: "c")], at: .noon)
    #expect(second == [.failure(.nameTaken), .success(Placement(ordinal: 3, revision: 3))])
    #expect(try rig.reopened().contents().keys.map(\.key.name.text) == ["a", "b", "c"])
  }

  @Test("Names that differ by case, or by a mark, differ", arguments: subjects)
  func namesThatDiffer(_ subject: Subject) throws {
    let rig = try subject.make()
    let results = try rig.store.commit(
      [.insert(1, name: "cafe"), .insert(2, name: "Cafe"), .insert(3, name: "café"), .insert(4, name: "cafe ")],
      at: .noon)
    #expect(results.allSatisfy { (try? $0.get()) != nil })
  }

  @Test("The same id or digest twice is a duplicate, and its key is not kept without a digest", arguments: subjects)
  func duplicates(_ subject: Subject) throws {
    let rig = try subject.make()
    let results = try rig.store.commit(
      [
        .insert(1), .insert(.sample(1, name: "same id"), .sample(10)), .insert(.sample(2), .sample(1)),
        .insert(.sample(3), .sample(3)),
      ], at: .noon)
    #expect(
      results == [
        .success(Placement(ordinal: 1, revision: 1)), .failure(.duplicate), .failure(.duplicate),
        .success(Placement(ordinal: 2, revision: 2)),
      ])
    #expect(try rig.store.commit([.insert(.sample(9), .sample(3))], at: .noon) == [.failure(.duplicate)])
    #expect(try rig.reopened().contents().keys.map(\.key.id) == [.sample(1), .sample(3)])
  }

  @Test("A deleted key's name is free, any number of times", arguments: subjects)
  func deletedName(_ subject: Subject) throws {
    let rig = try subject.make()
    let deleted = (1...3).map { Change.insert(.sample($0, name: "n", deleteTime: .noon), .sample($0)) }
    let results = try rig.store.commit(deleted + [.insert(4, name: "n"), .insert(5, name: "n")], at: .noon)
    #expect(results.last == .failure(.nameTaken))
    #expect(try rig.reopened().contents().keys.count == 4)
  }

  @Test("Revisions follow one another, over conflicts, commits and reopening", arguments: subjects)
  func revisions(_ subject: Subject) throws {
    let rig = try subject.make()
    _ = try rig.store.commit([.insert(1), .insert(1), .insert(2)], at: .noon)
    _ = try rig.store.commit([.insert(2)], at: .noon)
    _ = try rig.store.commit([.insert(3)], at: .noon)
    let again = try rig.reopened()
    #expect(try again.commit([.insert(4)], at: .noon) == [.success(Placement(ordinal: 4, revision: 4))])
    let (keys, mark) = try again.contents()
    #expect(keys.map(\.key.revision) == [1, 2, 3, 4])
    #expect(mark.revision == 4)
  }

  @Test("The latest instant never goes back, and is kept even where no change was made", arguments: subjects)
  func latestInstant(_ subject: Subject) throws {
    let rig = try subject.make()
    let later = Instant.noon.adding(seconds: 60)
    _ = try rig.store.commit([.insert(1)], at: later)
    _ = try rig.store.commit([.insert(2)], at: .noon)
    #expect(try rig.store.contents().mark.latestInstant == later)
    _ = try rig.store.commit([.insert(2)], at: later.adding(seconds: 1))
    _ = try rig.store.commit([.insert(3)], at: Instant(microseconds: -1))
    #expect(try rig.reopened().contents().mark.latestInstant == later.adding(seconds: 1))
  }

  @Test("Ten thousand keys in one commit come back in their order", arguments: subjects.dropFirst())
  func many(_ subject: Subject) throws {
    let rig = try subject.make()
    let results = try rig.store.commit((1...10_000).map { .insert($0) }, at: .noon)
    #expect(results.allSatisfy { (try? $0.get()) != nil })
    let (keys, mark) = try rig.reopened().contents()
    #expect(keys.map(\.ordinal) == Array(1...10_000))
    #expect(keys.map(\.key.id) == (1...10_000).map { .sample($0) })
    #expect(mark.revision == 10_000)
  }

  @Test("A receiver that refuses a key ends the loading with its error", arguments: subjects)
  func refusingReceiver(_ subject: Subject) throws {
    let rig = try subject.make()
    _ = try rig.store.commit([.insert(1), .insert(2)], at: .noon)
    var seen = 0
    #expect(throws: StoreError.damaged("enough")) {
      _ = try rig.store.load { (_) throws(StoreError) in
        seen += 1
        throw .damaged("enough")
      }
    }
    #expect(seen == 1)
    #expect(try rig.store.contents().keys.count == 2, "a broken-off loading must not hold the next one up")
  }
}

extension Key {
  func with(revision: Revision) -> Key {
    var key = self
    key.revision = revision
    return key
  }
}
