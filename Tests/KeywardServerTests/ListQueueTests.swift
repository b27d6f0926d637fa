import Dispatch
import KeywardCore
import KeywardWire
import Synchronization
import Testing

@testable import KeywardServer

/// Whose list is computed when.
@Suite struct ListQueueTests {
  /// A queue whose list at work is held up, so that what comes waits.
  private final class Held: Sendable {
    let queue = ListQueue(limit: 3)
    private let names = Mutex<[String]>([])
    private let hold = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    /// - Parameter uid: whose list is at work.
    init(_ uid: UInt32) throws {
      let began = DispatchSemaphore(value: 0)
      try queue.enqueue(for: uid) { [hold] in
        began.signal()
        hold.wait()
      }
      try #require(began.wait(timeout: .now() + 30) == .success)
    }

    func enqueue(_ name: String, for uid: UInt32) throws(CallError) {
      try queue.enqueue(for: uid) { [self] in
        names.withLock { $0.append(name) }
        done.signal()
      }
    }

    /// Lets go of the queue.
    /// - Returns: so many lists in the order in which they were computed.
    func release(_ count: Int) throws -> [String] {
      hold.signal()
      for _ in 0..<count { try #require(done.wait(timeout: .now() + 30) == .success) }
      return names.withLock { $0 }
    }
  }

  @Test func `Users take turns, however many lists each has waiting, and one user's keep their order`() throws {
    let held = try Held(1)
    for name in ["a1", "a2", "a3"] { try held.enqueue(name, for: 1) }
    for name in ["b1", "b2"] { try held.enqueue(name, for: 2) }
    try held.enqueue("c1", for: 3)
    #expect(try held.release(6) == ["a1", "b1", "c1", "a2", "b2", "a3"])
  }

  @Test func `A user's lists past the limit are refused, and nobody else's, until one has had its turn`() throws {
    let held = try Held(1)
    for name in ["a1", "a2", "a3"] { try held.enqueue(name, for: 1) }
    let refusal = CallError.tooManyWaiting("3 lists of this user wait already: try again in a moment")
    #expect(throws: refusal) { try held.enqueue("a4", for: 1) }
    try held.enqueue("b1", for: 2)
    #expect(try held.release(4) == ["a1", "b1", "a2", "a3"])
    try held.enqueue("a5", for: 1)
    #expect(try held.release(1).last == "a5")
  }

  @Test func `A queue that has come to rest goes on with the next list`() throws {
    let held = try Held(1)
    #expect(try held.release(0).isEmpty)
    for number in 1...100 {
      try held.enqueue("\(number)", for: 1)
      #expect(try held.release(1).count == number)
    }
  }
}
