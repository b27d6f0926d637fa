import KeywardCore
import KeywardWire
import Synchronization
import UnixSocket

/// Takes commands and questions to the store, in turns. In each turn the commands that have gathered go together in one
/// transaction, as do the uses that validations wait for, and one group of changes and one question follow. A command that
/// has to see first what another of the turn comes to waits for the next turn, before all that came after it.
///
/// Concurrency: commands and questions come from any thread; the rules and the store are called on `thread` alone,
/// and so are the completions.
final class Writer: Sendable {
  private let registry: Registry
  private let clock: Clock
  private let names: UserNameCache
  private let limit: Int
  private let thread: BackgroundThread
  private let waiting = Mutex(WaitingCalls())
  /// Set once nothing is asked of the store any more.
  private let isEnding = Atomic(false)
  private let whenCommitted = Mutex<Hook?>(nil)

  /// Commands, and secrets to judge, that go in one transaction at most, so that none waits long for its neighbours.
  private static let batchLimit = 512

  /// - Parameter limit: how many commands and questions may wait.
  init(registry: Registry, clock: Clock, names: UserNameCache, limit: Int) throws(SystemError) {
    thread = try BackgroundThread(name: "keyward.writer")
    self.registry = registry
    self.names = names
    self.clock = clock
    self.limit = limit
  }

  /// Has something called on the writer's thread after each transaction.
  func afterEachCommit(_ body: @escaping @Sendable () -> Void) {
    whenCommitted.withLock { $0 = Hook(body) }
  }

  /// Has a change made for a peer.
  /// - Parameters:
  ///   - caller: a change that has not begun when it leaves is not made.
  ///   - deadline: a change that has not begun by then is not made.
  ///   - completion: called once, on the writer's thread; the replies of one transaction leave together after it.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait.
  func submit(
    _ request: ChangeRequest, for caller: Caller, by deadline: Deadline,
    completion: @escaping @Sendable (Result<Outcome, CallError>, inout ReplyBatch) -> Void
  ) throws(CallError) {
    try enqueue { waiting in
      waiting.commands.append(
        WaitingCommand(caller: caller, deadline: deadline, request: request, completion: completion))
    }
  }

  /// Has many keys changed together for a peer, as ``submit(_:for:by:completion:)`` does one.
  func submit(
    _ group: GroupChange, for caller: Caller, by deadline: Deadline,
    completion: @escaping @Sendable (Result<GroupOutcome, CallError>) -> Void
  ) throws(CallError) {
    try enqueue { waiting in
      waiting.groups.append(WaitingGroup(caller: caller, deadline: deadline, group: group, completion: completion))
    }
  }

  /// Has the uses reserved that a validation needs, and has it judged then.
  /// - Parameters:
  ///   - caller: for one that leaves before it is judged, nothing is used.
  ///   - deadline: once that has passed before it is judged, nothing is used.
  ///   - completion: called once, on the writer's thread, with the verdicts.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait.
  func submit(
    _ questions: [Question], for caller: Caller, by deadline: Deadline,
    completion: @escaping @Sendable (Result<[Validation], CallError>) -> Void
  ) throws(CallError) {
    try enqueue(
      { $0.questionCount },
      { waiting in
        waiting.append(
          WaitingValidation(caller: caller, deadline: deadline, questions: questions, completion: completion))
      })
  }

  /// Has a question asked of the store, between one transaction and the next.
  /// - Parameters:
  ///   - caller: the question is of no more use when it has left.
  ///   - deadline: when the question is of no more use.
  ///   - body: asks; called once, on the writer's thread, with whether the question is still of use.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait.
  func read(
    for caller: Caller, by deadline: Deadline, _ body: @escaping @Sendable (_ isWanted: Bool) -> Void
  ) throws(CallError) {
    try enqueue { $0.reads.append(WaitingRead(caller: caller, deadline: deadline, body: body)) }
  }

  /// Has something changed in a transaction of its own, between one and the next.
  /// - Parameters:
  ///   - caller: what has not begun when it leaves is not done.
  ///   - deadline: what has not begun by then is not done.
  ///   - body: called once, on the writer's thread, with who changes it and the instant; with nil where it is too late.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait.
  func submit(
    for caller: Caller, by deadline: Deadline, _ body: @escaping @Sendable ((actor: Actor, now: Instant)?) -> Void
  ) throws(CallError) {
    try read(for: caller, by: deadline) { [self] isWanted in
      guard isWanted else { return body(nil) }
      body((actor(caller.peer), clock.now()))
      whenCommitted.withLock { $0 }?()
    }
  }

  /// As ``read(for:by:_:)`` for what goes on with a question that was let in: never refused.
  func goOn(
    for caller: Caller?, by deadline: Deadline, _ body: @escaping @Sendable (_ isWanted: Bool) -> Void
  ) {
    let isFirst = waiting.withLock { waiting in
      defer { waiting.reads.append(WaitingRead(caller: caller, deadline: deadline, body: body)) }
      return waiting.isEmpty
    }
    if isFirst { thread.perform { self.run() } }
  }

  /// Has something of the server's own done with the store, between one transaction and the next; not any more once
  /// ``finish(with:)`` was called.
  func perform(_ body: @escaping @Sendable () -> Void) {
    goOn(for: nil, by: .never) { isWanted in if isWanted { body() } }
  }

  /// Does what waits for callers that have not left, and then this; what goes on is of no use from here on. So once every
  /// connection is closed it takes no longer than the transaction at work. Not for a thread that a completion needs.
  func finish(with body: () -> Void) {
    isEnding.store(true, ordering: .relaxed)
    thread.hold {
      run()
      body()
    }
  }

  /// - Parameter count: what is bounded of what waits already.
  private func enqueue(
    _ count: (borrowing WaitingCalls) -> Int = { $0.count }, _ append: (inout WaitingCalls) -> Void
  ) throws(CallError) {
    let isFirst = try waiting.withLock { (waiting) throws(CallError) in
      guard count(waiting) < limit else {
        throw CallError.tooManyWaiting("too many calls wait for the disk: try again in a moment")
      }
      defer { append(&waiting) }
      return waiting.isEmpty
    }
    // Whoever finds the list empty starts a round; the rest join it.
    if isFirst { thread.perform { self.run() } }
  }

  private func run() {
    while let turn = waiting.withLock({ $0.takeTurn(limit: Self.batchLimit) }) {
      if !turn.commands.isEmpty {
        let rest = carryOut(turn.commands)
        waiting.withLock { $0.putBack(rest) }
      }
      if !turn.validations.isEmpty {
        let rest = judge(turn.validations)
        waiting.withLock { $0.putBack(rest) }
      }
      if let group = turn.group { carryOut(group) }
      if let read = turn.read {
        read.body(!isEnding.load(ordering: .relaxed) && isWanted(by: read.caller, until: read.deadline))
      }
      // The replies have gone; only what has come meanwhile waits for that.
      registry.tidy()
    }
  }

  private func isWanted(by caller: Caller?, until deadline: Deadline) -> Bool {
    !(caller?.hasLeft ?? false) && !deadline.hasPassed(at: clock.monotonicNanoseconds())
  }

  /// - Returns: those whose turn has not come.
  private func carryOut(_ commands: [WaitingCommand]) -> [WaitingCommand] {
    var replies = ReplyBatch()
    let wanted = commands.filter { command in
      let isWanted = isWanted(by: command.caller, until: command.deadline)
      if !isWanted { command.completion(.failure(.tooLate), &replies) }
      return isWanted
    }
    replies.send()
    var last: (peer: Peer, actor: Actor)?
    // Each when its turn has come: many may wait whose users' names take long to find.
    let commands = wanted.lazy.map { command in
      let peer = command.caller.peer
      let actor = if let last, last.peer == peer { last.actor } else { self.actor(peer) }
      last = (peer, actor)
      return Command(command.request, by: actor)
    }
    let results = registry.commit(commands, at: clock.now(), limit: Self.batchLimit)
    var rest: [WaitingCommand] = []
    for (waiting, result) in zip(wanted, results) {
      if let result {
        waiting.completion(result.mapError { CallError($0) }, &replies)
      } else {
        rest.append(waiting)
      }
    }
    replies.send()
    whenCommitted.withLock { $0 }?()
    return rest
  }

  /// Those of the calls that somebody still waits for; the others are told that it is too late.
  private func wanted(_ calls: [WaitingValidation]) -> [WaitingValidation] {
    calls.filter { call in
      let isWanted = isWanted(by: call.caller, until: call.deadline)
      if !isWanted { call.completion(.failure(.tooLate)) }
      return isWanted
    }
  }

  /// - Returns: those that have to wait on.
  private func judge(_ validations: [WaitingValidation]) -> [WaitingValidation] {
    let begun = wanted(validations)
    var reservations: [UseReservation] = []
    var failure: CallError?
    do throws(StoreError) {
      reservations = try registry.reserve(for: begun.map(\.questions), at: clock.now())
    } catch {
      failure = CallError(DomainError(error))
    }
    // That took the store's time: what nobody waits for any more uses nothing.
    let waiting = wanted(begun)
    let results = registry.judge(waiting.map(\.questions), with: reservations, at: clock.now())
    var rest: [WaitingValidation] = []
    for (call, result) in zip(waiting, results) {
      if let result {
        call.completion(.success(result))
      } else if let failure {
        call.completion(.failure(failure))
      } else {
        rest.append(call)
      }
    }
    return rest
  }

  private func carryOut(_ waiting: WaitingGroup) {
    guard isWanted(by: waiting.caller, until: waiting.deadline) else {
      return waiting.completion(.failure(.tooLate))
    }
    do throws(DomainError) {
      waiting.completion(.success(try registry.commit(waiting.group, by: actor(waiting.caller.peer), at: clock.now())))
    } catch {
      waiting.completion(.failure(CallError(error)))
    }
    whenCommitted.withLock { $0 }?()
  }

  private func actor(_ peer: Peer) -> Actor { Actor(uid: peer.uid, user: names.name(of: peer.uid), pid: peer.pid) }
}

extension CallError {
  static let tooLate = CallError(.deadlineExceeded, "the call was not over in the time it was given")
}
