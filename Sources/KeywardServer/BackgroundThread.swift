import Dispatch
import Synchronization
import UnixSocket

/// A thread of its own that carries out one piece of work after the other, and that the others of the process go
/// before: what it does is waited for by few, and what they do by many.
///
/// Concurrency: work comes from any thread. The thread ends once nobody holds this any more, with all work done.
final class BackgroundThread: Sendable {
  typealias Work = @Sendable () -> Void

  /// What the thread itself holds on to.
  private final class Inbox: Sendable {
    struct Content {
      var work: [Work] = []
      var isOver = false
    }

    let content = Mutex(Content())
    let counter = DispatchSemaphore(value: 0)

    func add(_ work: @escaping Work) {
      content.withLock { $0.work.append(work) }
      counter.signal()
    }

    func end() {
      content.withLock { $0.isOver = true }
      counter.signal()
    }

    /// - Returns: whether there will be more.
    func carryOut() -> Bool {
      counter.wait()
      let (work, isOver) = content.withLock { content in
        defer { content.work = [] }
        return (content.work, content.isOver)
      }
      for piece in work { piece() }
      return !isOver
    }
  }

  /// A thirtieth of a processor that a reactor would fill, and all of one that is idle.
  private static let priority = SystemThread.Priority(niceness: 15)

  private let inbox: Inbox

  /// - Parameter name: at most 15 bytes, for people who look at the process.
  init(name: String) throws(SystemError) {
    let inbox = Inbox()
    self.inbox = inbox
    try SystemThread.start(name: name, Self.priority) {
      while inbox.carryOut() {}
    }
  }

  deinit {
    inbox.end()
  }

  /// Has something done after all that was asked for before.
  func perform(_ work: @escaping Work) {
    inbox.add(work)
  }

  /// Does something itself, after all that was asked for before and while the thread stands still. Not for work of the
  /// thread.
  func hold(_ body: () -> Void) {
    let reached = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    perform {
      reached.signal()
      done.wait()
    }
    reached.wait()
    body()
    done.signal()
  }
}
