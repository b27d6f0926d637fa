import Dispatch
import KeywardCore
import KeywardWire
import Synchronization

/// Takes commands to the store: one at work at a time, and all that gather while it is at work go together in the
/// next transaction.
///
/// Concurrency: commands come from any thread; the rules and the store are called on `queue` alone, and so are the
/// completions.
final class Writer: Sendable {
  private struct Waiting {
    let peer: Peer
    let deadline: Deadline
    let command: @Sendable (Actor) -> Command
    let completion: @Sendable (Result<Outcome, CallError>) -> Void
  }

  private let registry: Registry
  private let clock: Clock
  private let names: UserNameCache
  private let limit: Int
  private let queue = DispatchQueue(label: "keyward.writer")
  private let waiting = Mutex<[Waiting]>([])

  /// Commands that go in one transaction at most, so that none waits long for its neighbours.
  private static let batchLimit = 512

  /// - Parameter limit: how many commands may wait.
  init(registry: Registry, clock: Clock, names: UserNameCache, limit: Int) {
    self.registry = registry
    self.names = names
    self.clock = clock
    self.limit = limit
  }

  /// Has a command carried out for a peer.
  /// - Parameters:
  ///   - deadline: a command that has not begun by then is not carried out.
  ///   - command: makes the command, given who the peer is by name.
  ///   - completion: called once, on the writer's queue.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait.
  func submit(
    for peer: Peer, by deadline: Deadline, _ command: @escaping @Sendable (Actor) -> Command,
    completion: @escaping @Sendable (Result<Outcome, CallError>) -> Void
  ) throws(CallError) {
    let isFirst = try waiting.withLock { (waiting) throws(CallError) in
      guard waiting.count < limit else {
        throw CallError(.resourceExhausted, "too many changes wait for the disk: try again in a moment")
      }
      waiting.append(Waiting(peer: peer, deadline: deadline, command: command, completion: completion))
      return waiting.count == 1
    }
    // Whoever finds the list empty starts a round; the rest join it.
    if isFirst { queue.async { self.run() } }
  }

  /// Returns when nothing is at work or waits. Not for a queue that a completion needs.
  func drain() {
    queue.sync { self.run() }
  }

  private func run() {
    while true {
      let batch = waiting.withLock { waiting in
        let batch = Array(waiting.prefix(Self.batchLimit))
        waiting.removeFirst(batch.count)
        return batch
      }
      guard !batch.isEmpty else { return }
      carryOut(batch)
    }
  }

  private func carryOut(_ batch: [Waiting]) {
    let monotonic = clock.monotonicNanoseconds()
    var timely: [Waiting] = []
    for waiting in batch {
      if waiting.deadline.hasPassed(at: monotonic) {
        waiting.completion(.failure(.tooLate))
      } else {
        timely.append(waiting)
      }
    }
    let commands = timely.map { waiting in
      let peer = waiting.peer
      return waiting.command(Actor(uid: peer.uid, user: names.name(of: peer.uid), pid: peer.pid))
    }
    let results = registry.commit(commands, at: clock.now())
    for (waiting, result) in zip(timely, results) { waiting.completion(result.mapError { CallError($0) }) }
  }
}

extension CallError {
  static let tooLate = CallError(.deadlineExceeded, "the call was not over in the time it was given")
}
