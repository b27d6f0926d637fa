import Dispatch
import KeywardCore
import KeywardWire
import Synchronization
import TestSupport
import Testing

@testable import KeywardServer

/// In which turn the writer does what, over a store in memory.
@Suite struct WriterTests {
  /// What was over, in its order.
  private final class Record: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var all: [String] { lines.withLock { $0 } }
  }

  private let store: FakeStore
  private let registry: Registry
  private let monotonic = ManualClock(.epoch)
  private let writer: Writer
  private let record = Record()

  init() throws {
    let keys = (1...3).map {
      StoredKey(key: .sample($0, revision: Revision($0)), digest: .sample($0), ordinal: Int64($0))
    }
    store = FakeStore(keys, mark: StoreMark(revision: 3, latestInstant: .noon))
    let monotonic = monotonic
    let clock = Clock(now: { .noon }, monotonicNanoseconds: { UInt64(monotonic.now.seconds) })
    registry = try Registry(store: store)
    writer = try Writer(registry: registry, clock: clock, names: UserNameCache(clock: clock), limit: 10_000)
  }

  private func submit(
    _ action: ChangeRequest.Action, as name: String, for caller: Caller = .sample(), by deadline: Deadline = .never,
    then: @escaping @Sendable () -> Void = {}
  ) throws {
    try writer.submit(ChangeRequest(action), for: caller, by: deadline) { [record] result, _ in
      switch result {
      case .success: record.add(name)
      case .failure(let error): record.add("\(name): \(error.code)")
      }
      then()
    }
  }

  /// Submits what comes while the writer is held up, lets go of it, and returns when all of that is over.
  private func together(_ submitAll: () throws -> Void) throws {
    let hold = writer.hold()
    try submitAll()
    hold.signal()
    writer.finish {}
  }

  private func change(_ number: Int, _ enabled: Bool) -> ChangeRequest.Action {
    .update(.sample(number), KeyUpdate(enabled: enabled))
  }

  @Test func `Many changes of one key are made one a turn in their order, and all else goes between`() throws {
    try together {
      for number in 1...4 { try submit(change(1, number % 2 == 0), as: "change \(number)") }
      try submit(.create(CreateKey(name: KeyName("new"), permission: .chat)), as: "creation")
      let group = try GroupChange(.delete, of: [KeyVersion(id: .sample(3), etag: nil)])
      try writer.submit(group, for: .sample(), by: .never) { [record] _ in record.add("group") }
      try writer.read(for: .sample(), by: .never) { [record] _ in record.add("question") }
    }
    #expect(record.all == ["change 1", "creation", "group", "question", "change 2", "change 3", "change 4"])
    #expect(store.audit.map(\.type) == [.disabled, .created, .deleted, .enabled, .disabled, .enabled])
  }

  @Test func `A change behind more of one key than go in one transaction is made in the first turn`() throws {
    try together {
      for number in 1...600 { try submit(change(1, number % 2 == 0), as: "one key's") }
      try submit(change(2, false), as: "another's")
    }
    #expect(record.all.firstIndex(of: "another's") == 1)
    #expect(record.all.count == 601)
    #expect(store.commitCount == 600)
    #expect(store.keys.map(\.key.enabled) == [true, false, true])
  }

  @Test func `No more changes go in one transaction than the writer's limit, and the rest in the next`() throws {
    try together {
      for number in 1...600 {
        try submit(.create(CreateKey(name: KeyName("k\(number)"), permission: .chat)), as: "\(number)")
      }
      try writer.read(for: .sample(), by: .never) { [record] _ in record.add("question") }
    }
    #expect(record.all == (1...512).map { "\($0)" } + ["question"] + (513...600).map { "\($0)" })
    #expect(store.commitCount == 2)
  }

  @Test func `The store is tidied after each turn, whatever that has written, and once its replies are made`() throws {
    let credential = try ImportCredential(digest: .sample(9))
    let list = try ImportKeys([ImportKey(name: KeyName("imported"), permission: .chat, credential: credential)])
    let (hold, over) = (writer.hold(), DispatchSemaphore(value: 0))
    try submit(change(1, false), as: "change") { [record, store] in record.add("\(store.untidiedCount)") }
    let group = try GroupChange(.delete, of: [KeyVersion(id: .sample(3), etag: nil)])
    try writer.submit(group, for: .sample(), by: .never) { [record, store] _ in
      record.add("group: \(store.untidiedCount)")
    }
    try writer.submit(for: .sample(), by: .never) { [record, store, registry] turn in
      guard let turn, (try? registry.importKeys(list, by: turn.actor, at: turn.now)) != nil else { return }
      record.add("import: \(store.untidiedCount)")
    }
    writer.perform { [record, store] in
      record.add("\(store.untidiedCount) in the next turn")
      over.signal()
    }
    hold.signal()
    try #require(over.wait(timeout: .now() + 30) == .success)
    #expect(record.all == ["change", "1", "group: 2", "import: 3", "0 in the next turn"])
    #expect(store.untidiedCount == 0)
  }

  @Test func `No user's name is asked for before its change has its turn`() throws {
    let asked = Record()
    let names = UserNameCache(clock: .system) { uid in
      asked.add("\(uid)")
      return "user \(uid)"
    }
    let writer = try Writer(registry: registry, clock: .system, names: names, limit: 1000)
    let hold = writer.hold()
    let authority = Authority(Policy(ownUID: 1, grants: []))
    for number in 1...600 {
      let caller = Caller(Peer(uid: UInt32(1000 + number / 2), gids: [1], pid: 1), authority: authority)
      let request = ChangeRequest(.create(CreateKey(name: try KeyName("k\(number)"), permission: .chat)))
      try writer.submit(request, for: caller, by: .never) { [record] _, _ in record.add("\(asked.all.count)") }
    }
    hold.signal()
    writer.finish {}
    #expect(record.all == Array(repeating: "257", count: 512) + Array(repeating: "301", count: 88))
    #expect(store.keys.last?.key.creator == "user 1300")
  }

  @Test func `A change that waits for another of its key is too late once its deadline passes`() throws {
    let monotonic = monotonic
    try together {
      try submit(change(1, false), as: "first") { monotonic.advance(seconds: 10) }
      try submit(change(1, true), as: "second", by: Deadline(nanoseconds: 10))
      try submit(change(1, true), as: "third", by: Deadline(nanoseconds: 11))
    }
    #expect(record.all == ["first", "second: deadlineExceeded", "third"])
    #expect(store.commitCount == 2)
  }

  @Test func `What waits for a caller that has left is not begun, and its completion is called all the same`() throws {
    let (gone, here) = (Caller.sample(), Caller.sample())
    try together {
      try submit(change(1, false), as: "its change", for: gone)
      try submit(change(2, false), as: "another's change", for: here)
      let group = try GroupChange(.delete, of: [KeyVersion(id: .sample(3), etag: nil)])
      try writer.submit(group, for: gone, by: .never) { [record] result in
        record.add((try? result.get()) == nil ? "no group" : "group")
      }
      try writer.read(for: gone, by: .never) { [record] isWanted in record.add("question, \(isWanted)") }
      try writer.submit(for: gone, by: .never) { [record] turn in record.add(turn == nil ? "no import" : "import") }
      gone.leave()
    }
    #expect(
      record.all == [
        "its change: deadlineExceeded", "another's change", "no group", "question, false", "no import",
      ])
    #expect(store.audit.map(\.keyID) == [.sample(2)])
  }

  @Test func `A caller that leaves after its change has begun has it made, and none that waits for that one`() throws {
    let caller = Caller.sample()
    try together {
      try submit(change(1, false), as: "first", for: caller) { caller.leave() }
      try submit(change(1, true), as: "second", for: caller)
    }
    #expect(record.all == ["first", "second: deadlineExceeded"])
    #expect(store.audit.map(\.type) == [.disabled])
  }

  @Test func `What waits for another of its key still counts among what may wait`() throws {
    let refused = Record()
    let writer = try Writer(
      registry: try Registry(store: store), clock: .system, names: UserNameCache(clock: .system), limit: 601)
    let hold = writer.hold()
    for number in 1...600 {
      try writer.submit(ChangeRequest(change(1, number % 2 == 0)), for: .sample(), by: .never) { [record] _, _ in
        record.add("over")
        guard record.all.count == 1 else { return }
        // 512 are out for the transaction at work, as all would be that touch other keys, and 88 more.
        for number in 1...600 {
          do throws(CallError) {
            try writer.read(for: .sample(), by: .never) { _ in }
          } catch {
            refused.add("\(number): \(error.code)")
          }
        }
      }
    }
    hold.signal()
    writer.finish {}
    #expect(refused.all == (514...600).map { "\($0): resourceExhausted" })
    #expect(record.all.count == 600)
  }
}

extension Writer {
  /// Holds the writer up, so that what comes gathers, until the semaphore is signalled.
  fileprivate func hold() -> DispatchSemaphore {
    let (began, hold) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    perform {
      began.signal()
      hold.wait()
    }
    began.wait()
    return hold
  }
}
