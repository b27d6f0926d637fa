import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do with attempts, over each of them.
@Suite struct AttemptContractTests {
  private func insertion(_ number: Int, name: String? = nil, _ attempt: AttemptID) -> Change {
    Change(
      .insert(.sample(number, name: name), .sample(number)), type: .created, by: .sample, before: nil, attempt: attempt)
  }

  private func id(_ uid: UInt32, _ text: String, _ number: Int = 1) -> AttemptID {
    AttemptID(uid: uid, requestID: RequestID(checked: text), fingerprint: .sample(number))
  }

  @Test(
    "An attempt is remembered with the change it was, and without one that was refused", arguments: StoreSubject.all)
  func remembered(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    #expect(try rig.store.attempts().isEmpty)
    let text = String(repeating: "é", count: RequestID.maxCount)
    _ = try rig.store.commit(
      [insertion(1, id(.max, text)), insertion(2, name: "sample-1", id(0, "refused")), insertion(3, id(0, "a", 7))],
      at: .noon)
    let key = try #require(try rig.store.key(.sample(1))).key
    let later = Instant.noon.adding(seconds: 1)
    let rotation = Change(
      .rotate(key, .sample(9), oldUntil: later), type: .rotated, by: .sample, before: key, attempt: id(0, "b"))
    try rig.store.make(rotation, at: later)
    #expect(
      try rig.reopened().attempts() == [
        Attempt(id: id(0, "a", 7), key: .sample(3), time: .noon),
        Attempt(id: id(0, "b"), key: .sample(1), time: later),
        Attempt(id: id(.max, text), key: .sample(1), time: .noon),
      ])
  }

  @Test("A new attempt of the same name takes the place of the old one, of its own user", arguments: StoreSubject.all)
  func replaced(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let later = Instant.noon.adding(seconds: RequestID.lifetimeSeconds)
    _ = try rig.store.commit([insertion(1, id(1, "a")), insertion(2, id(2, "a"))], at: .noon)
    _ = try rig.store.commit([insertion(3, id(1, "a", 3))], at: later)
    #expect(
      try rig.reopened().attempts() == [
        Attempt(id: id(1, "a", 3), key: .sample(3), time: later),
        Attempt(id: id(2, "a"), key: .sample(2), time: .noon),
      ])
  }

  @Test("An attempt outlives its key", arguments: StoreSubject.all)
  func purgedKey(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(insertion(1, id(1, "a")))
    try rig.store.make(.purge(key))
    #expect(try rig.reopened().attempts().map(\.key) == [.sample(1)])
  }

  @Test("A receiver that refuses an attempt ends the loading with its error", arguments: StoreSubject.all)
  func refusingReceiver(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    _ = try rig.store.commit([insertion(1, id(1, "a")), insertion(2, id(1, "b"))], at: .noon)
    #expect(throws: StoreError.damaged("enough")) {
      try rig.store.loadAttempts { (_) throws(StoreError) in throw .damaged("enough") }
    }
    #expect(try rig.store.attempts().count == 2)
  }
}
