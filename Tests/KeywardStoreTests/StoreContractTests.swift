import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do, over each of them.
@Suite struct StoreContractTests {
  @Test("A new store is empty, at revision 0", arguments: StoreSubject.all)
  func empty(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let (keys, mark) = try rig.store.contents()
    #expect(keys.isEmpty)
    #expect(mark == StoreMark(revision: 0, latestInstant: .epoch))
  }

  @Test("What was inserted is there after reopening, with every field", arguments: StoreSubject.all)
  func reload(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let (plain, full) = (Key.sample(1), Key.full)
    let results = try rig.store.commit([.insert(plain, .sample(1)), .insert(full, .sample(2))], at: .noon)
    #expect(results == [.success(Placement(ordinal: 1, revision: 1)), .success(Placement(ordinal: 2, revision: 2))])

    let (keys, mark) = try rig.reopened().contents()
    #expect(mark == StoreMark(revision: 2, latestInstant: .noon))
    #expect(keys.map(\.key) == [plain.with(revision: 1), full.with(revision: 2)])
    #expect(keys.map(\.ordinal) == [1, 2])
    #expect(keys.map(\.digest) == [.sample(1), .sample(2)])
  }

  @Test("Each optional field is kept alone", arguments: StoreSubject.all)
  func optionalFields(_ subject: StoreSubject) throws {
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

  @Test(
    "A taken name leaves its own change out and no other, in one batch and across batches", arguments: StoreSubject.all)
  func nameTaken(_ subject: StoreSubject) throws {
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

  @Test("Names that differ by case, or by a mark, differ", arguments: StoreSubject.all)
  func namesThatDiffer(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let results = try rig.store.commit(
      [.insert(1, name: "cafe"), .insert(2, name: "Cafe"), .insert(3, name: "café"), .insert(4, name: "cafe ")],
      at: .noon)
    #expect(results.allSatisfy { (try? $0.get()) != nil })
  }

  @Test(
    "The same id or digest twice is a duplicate, and its key is not kept without a digest", arguments: StoreSubject.all)
  func duplicates(_ subject: StoreSubject) throws {
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

  @Test("A deleted key's name is free, any number of times", arguments: StoreSubject.all)
  func deletedName(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let deleted = (1...3).map { Change.insert(.sample($0, name: "n", deleteTime: .noon), .sample($0)) }
    let results = try rig.store.commit(deleted + [.insert(4, name: "n"), .insert(5, name: "n")], at: .noon)
    #expect(results.last == .failure(.nameTaken))
    #expect(try rig.reopened().contents().keys.count == 4)
  }

  @Test("Revisions follow one another, over conflicts, commits and reopening", arguments: StoreSubject.all)
  func revisions(_ subject: StoreSubject) throws {
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

  @Test("The latest instant never goes back, and is kept even where no change was made", arguments: StoreSubject.all)
  func latestInstant(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let later = Instant.noon.adding(seconds: 60)
    _ = try rig.store.commit([.insert(1)], at: later)
    _ = try rig.store.commit([.insert(2)], at: .noon)
    #expect(try rig.store.contents().mark.latestInstant == later)
    _ = try rig.store.commit([.insert(2)], at: later.adding(seconds: 1))
    _ = try rig.store.commit([.insert(3)], at: Instant(microseconds: -1))
    #expect(try rig.reopened().contents().mark.latestInstant == later.adding(seconds: 1))
  }

  @Test("Ten thousand keys in one commit come back in their order", arguments: StoreSubject.all.dropFirst())
  func many(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let results = try rig.store.commit((1...10_000).map { .insert($0) }, at: .noon)
    #expect(results.allSatisfy { (try? $0.get()) != nil })
    let (keys, mark) = try rig.reopened().contents()
    #expect(keys.map(\.ordinal) == Array(1...10_000))
    #expect(keys.map(\.key.id) == (1...10_000).map { .sample($0) })
    #expect(mark.revision == 10_000)
  }

  @Test("A receiver that refuses a key ends the loading with its error", arguments: StoreSubject.all)
  func refusingReceiver(_ subject: StoreSubject) throws {
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
