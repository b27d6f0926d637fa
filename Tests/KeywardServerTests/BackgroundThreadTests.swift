import Dispatch
import Glibc
import Synchronization
import Testing

@testable import KeywardServer

@Suite struct BackgroundThreadTests {
  /// What was done, in its order.
  private final class Notes: Sendable {
    private let words = Mutex<[String]>([])

    var all: [String] { words.withLock { $0 } }

    func add(_ word: String) { words.withLock { $0.append(word) } }
  }

  @Test func `Work is done in its order, and what holds the thread comes between`() throws {
    let notes = Notes()
    let thread = try BackgroundThread(name: "test")
    for number in 1...3 { thread.perform { notes.add("work \(number)") } }
    thread.hold {
      thread.perform { notes.add("later") }
      notes.add("held")
    }
    thread.hold { notes.add("held again") }
    #expect(notes.all == ["work 1", "work 2", "work 3", "held", "later", "held again"])
  }

  @Test func `A thread that is let go of has done all its work`() throws {
    let done = DispatchSemaphore(value: 0)
    do {
      let thread = try BackgroundThread(name: "test")
      for _ in 1...100 { thread.perform { done.signal() } }
    }
    for _ in 1...100 { try #require(done.wait(timeout: .now() + 30) == .success) }
  }

  @Test func `Other threads go before it`() throws {
    let niceness = Mutex<Int32?>(nil)
    let thread = try BackgroundThread(name: "test")
    thread.perform { niceness.withLock { $0 = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) } }
    thread.hold {}
    let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    #expect(try #require(niceness.withLock { $0 }) > own)
  }
}
