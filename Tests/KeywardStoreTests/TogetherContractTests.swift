import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do with changes that belong together, over each of them.
@Suite struct TogetherContractTests {
  @Test("Changes that go together are all made, and kept", arguments: StoreSubject.all)
  func made(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let placements = try rig.store.commitTogether([.insert(1), .insert(2)], at: .noon).get()
    #expect(placements.map(\.revision) == [1, 2])
    let store = try rig.reopened()
    #expect(try store.contents().keys.map(\.key.id) == [.sample(1), .sample(2)])
    #expect(try store.audit().map(\.revision) == [1, 2])
  }

  @Test("Changes that go together are asked for one by one, and none after a conflict", arguments: StoreSubject.all)
  func asked(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    var asked: [Int] = []
    func changes(_ count: Int) -> some Sequence<Change> {
      sequence(state: 0) { (number: inout Int) -> Change? in
        guard number < count else { return nil }
        number += 1
        asked.append(number)
        // The fourth is the third once more.
        return .insert(number == 4 ? 3 : number)
      }
    }
    #expect(
      try rig.store.commitTogether(changes(9), at: .noon)
        == .failure(ConflictAmongChanges(index: 3, conflict: .duplicate)))
    #expect(asked == [1, 2, 3, 4])
    asked = []
    #expect(try rig.store.commitTogether(changes(3), at: .noon).get().map(\.revision) == [1, 2, 3])
    #expect(asked == [1, 2, 3])
    #expect(try rig.reopened().contents().keys.map(\.key.id) == [.sample(1), .sample(2), .sample(3)])
  }

  @Test("One conflict leaves all of them out, with their audit and their attempt", arguments: StoreSubject.all)
  func conflict(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    try rig.store.make(.insert(1))
    let attempt = AttemptID(uid: 1, requestID: RequestID(checked: "r"), fingerprint: .sample(1))
    let first = Change(
      .insert(.sample(2), .sample(2)), type: .imported, by: .sample, before: nil, attempt: attempt)
    for (last, conflict) in [
      (Change.insert(3, name: "sample-1"), Conflict.nameTaken), (.insert(.sample(3), .sample(1)), .duplicate),
    ] {
      let result = try rig.store.commitTogether([first, .insert(4), last], at: .noon.adding(seconds: 1))
      #expect(result == .failure(ConflictAmongChanges(index: 2, conflict: conflict)))
    }
    let store = try rig.reopened()
    #expect(try store.contents().keys.count == 1)
    #expect(try store.contents().mark == StoreMark(revision: 1, latestInstant: .noon))
    #expect(try store.audit().count == 1)
    #expect(try store.attempts().isEmpty)
    #expect(try store.make(.insert(2)).revision == 2)
  }
}
