import Dispatch
import KeywardCore
import KeywardWire
import Synchronization

/// Has lists computed one at a time, the users that wait for some in turn: whoever asks for many waits for them, and
/// nobody else does.
///
/// Concurrency: any thread; lists are computed on `queue` alone.
final class ListQueue: Sendable {
  private struct Waiting {
    /// Of each user that waits, the first first; never empty.
    var lists: [UInt32: [@Sendable () -> Void]] = [:]
    /// The users that wait, the next first.
    var turns: [UInt32] = []
    var isAtWork = false

    /// Takes out the list whose turn it is.
    mutating func next() -> (@Sendable () -> Void)? {
      guard !turns.isEmpty else { return nil }
      let uid = turns.removeFirst()
      let list = lists[uid]?.removeFirst()
      if lists[uid]?.isEmpty ?? true { lists[uid] = nil } else { turns.append(uid) }
      return list
    }
  }

  private let limit: Int
  private let waiting = Mutex(Waiting())
  private let queue = DispatchQueue(label: "keyward.lists", qos: .utility)

  /// - Parameter limit: how many lists of one user may wait.
  init(limit: Int = 16) {
    self.limit = limit
  }

  /// Has a list computed when its user's turn comes.
  /// - Throws: RESOURCE_EXHAUSTED when too many of the user wait.
  func enqueue(for uid: UInt32, _ list: @escaping @Sendable () -> Void) throws(CallError) {
    let isFirst = try waiting.withLock { (waiting) throws(CallError) in
      let count = waiting.lists[uid]?.count ?? 0
      guard count < limit else {
        throw CallError.tooManyWaiting("\(count) lists of this user wait already: try again in a moment")
      }
      waiting.lists[uid, default: []].append(list)
      if count == 0 { waiting.turns.append(uid) }
      defer { waiting.isAtWork = true }
      return !waiting.isAtWork
    }
    if isFirst { queue.async { self.run() } }
  }

  private func run() {
    while let list = waiting.withLock({ waiting in
      let list = waiting.next()
      waiting.isAtWork = list != nil
      return list
    }) {
      list()
    }
  }
}
