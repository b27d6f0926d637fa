import KeywardCore
import KeywardWire
import Logging
import UnixSocket

/// Serves its share of the connections: one epoll set and a thread of its own that waits for it (decision 0002).
///
/// Concurrency: everything but the mailbox is touched on that thread alone once it runs, which is what makes it
/// `@unchecked Sendable`. ``post(_:)`` is for every thread.
final class Reactor: @unchecked Sendable {
  /// What the reactor works with.
  struct Parts: Sendable {
    let handlers: Handlers
    let limits: Limits
    let clock: Clock
    let census: Census
    let statistics: Statistics
    let health: Health
    let busyPollNanoseconds: UInt64
    let log: Logger
  }

  // Tokens of the event set; a connection's are its slot and generation.
  private static let mailboxToken: UInt64 = .max
  private static let timerToken: UInt64 = .max - 1

  /// Where the process may be nicer than others the writer has an even smaller part of a processor that both want; and a
  /// slice that is over soon lets it in as soon as something comes, whoever is at work on its processor (decision 0003).
  private static let priority = SystemThread.Priority(niceness: -5, sliceNanoseconds: 100_000)

  private let parts: Parts
  private let name: String
  private let events: EventSet
  private let mailbox: Mailbox
  private let pump: Pump
  private var connections = ConnectionTable()
  private var busyPoll: BusyPoll
  private var whenDrained: (@Sendable () -> Void)?
  private var isOver: Bool { whenDrained != nil && connections.count == 0 }

  private let timer: Descriptor
  private var timerDeadline = Deadline.never

  init(_ parts: Parts, number: Int) throws(SystemError) {
    self.parts = parts
    busyPoll = BusyPoll(nanoseconds: parts.busyPollNanoseconds)
    events = try EventSet()
    mailbox = try Mailbox()
    timer = try .monotonicTimer()
    pump = Pump(parts, mailbox: mailbox)
    try events.add(mailbox.counter.rawValue, .input, token: Self.mailboxToken)
    try events.add(timer.rawValue, .input, token: Self.timerToken)
    name = "keyward.\(number)"
  }

  /// Begins to serve, until it is drained.
  func start() throws(SystemError) {
    try SystemThread.start(name: name, Self.priority) { [self] in
      while !isOver { serve() }
    }
  }

  /// Sends the reactor a letter, from any thread.
  func post(_ letter: Mailbox.Letter) {
    mailbox.post(letter)
  }

  private func serve() {
    let isPolling = busyPoll.isOn && busyPoll.goesOn(at: parts.clock.monotonicNanoseconds())
    turn(milliseconds: isPolling ? 0 : -1)
  }

  /// Waits for events and does what they ask for.
  private func turn(milliseconds: Int32) {
    events.wait(milliseconds: milliseconds, { pump.expect($0) }, { handle($0) })
    answerPlainCalls()
    connections.forgetRemoved()
  }

  private func answerPlainCalls() {
    pump.answerPlainCalls { settle($0) }
  }

  private func handle(_ event: EventSet.Event) {
    switch event.token {
    case Self.mailboxToken, Self.timerToken:
      // They may close connections, of which some may have calls to be answered.
      answerPlainCalls()
      if event.token == Self.timerToken { timerFired() } else { openMailbox() }
    default:
      guard let connection = connections.uncounted(ConnectionID(token: event.token)) else { return }
      connection._withUnsafeGuaranteedRef { handle(event, of: $0) }
    }
  }

  /// Reads what has come on a connection, and sees to what follows from it.
  private func handle(_ event: EventSet.Event, of connection: Connection) {
    if event.output {
      // What it goes on with may take long.
      answerPlainCalls()
      pump.flush(connection)
    }
    let hasRead = (event.hangup || event.input) && pump.read(connection, before: answerPlainCalls)
    if hasRead, busyPoll.isOn { busyPoll.noteRequest(at: parts.clock.monotonicNanoseconds()) }
    // A peer that has left for good gets no reply; what it still sent is read to the end first.
    if event.hangup, !hasRead { connection.isBroken = true }
    if hasRead, connection.mayHaveMore || event.end, !watch(connection) { return }
    if connection.hasPlainCalls {
      if pump.hasEnoughPlainCalls { answerPlainCalls() }
    } else {
      settle(connection)
    }
  }

  private func openMailbox() {
    var answered: [Connection] = []
    for letter in mailbox.empty() {
      switch letter {
      case .adopt(let fd, let caller): adopt(Descriptor(owning: fd), caller)
      case .reply(let address, let result):
        guard let connection = connections[address.connection] else { continue }
        pump.finish(address, with: result, on: connection)
        if answered.last !== connection { answered.append(connection) }
      case .wake(let address):
        guard let connection = connections[address.connection] else { continue }
        connection.grpc?.wake(address)
        if answered.last !== connection { answered.append(connection) }
      case .drain(let completion):
        whenDrained = completion
        pump.stopTakingPlainCalls()
        for connection in connections.all { settle(connection) }
        if connections.count == 0 { completion() }
      case .abort: for connection in connections.all { close(connection) }
      }
    }
    // The replies of one wake-up leave in one write. A connection that stands here twice has no more to write then.
    for connection in answered where connections[connection.id] != nil {
      pump.flush(connection)
      settle(connection)
    }
  }

  private func adopt(_ descriptor: consuming Descriptor, _ caller: Caller) {
    let connection = Connection(descriptor, id: connections.nextID(), caller: caller)
    connections.insert(connection)
    do throws(SystemError) {
      try events.addChanges(connection.fd, connection.interest, token: connection.id.token)
    } catch {
      lose(connection, error)
      return
    }
    settle(connection)
  }

  /// Closes a connection that is over, and else watches for what it needs next.
  private func settle(_ connection: Connection) {
    if whenDrained != nil { pump.finishReading(connection) }
    guard !connection.isOver else {
      close(connection)
      return
    }
    let wanted = connection.wantedInterest(parts.limits)
    if wanted != connection.interest {
      connection.interest = wanted
      guard watch(connection) else { return }
    }
    arm(connection.nextDeadline)
  }

  /// Asks to be told of a connection, of what has come already too.
  /// - Returns: false where the connection is lost.
  private func watch(_ connection: Connection) -> Bool {
    do throws(SystemError) {
      try events.watchChanges(connection.fd, connection.interest, token: connection.id.token)
      return true
    } catch {
      lose(connection, error)
      return false
    }
  }

  private func lose(_ connection: Connection, _ error: SystemError) {
    parts.log.error("connection lost", metadata: ["reason": "\(error)"])
    close(connection)
  }

  private func close(_ connection: Connection) {
    // One that is lost while its calls wait for their answers comes here again.
    guard connections[connection.id] != nil else { return }
    connection.caller.leave()
    pump.release(connection)
    connections.remove(connection)
    parts.census.leave(connection.caller.peer)
    // The descriptor goes with the connection, and out of the event set with it.
    if connections.count == 0 { whenDrained?() }
  }

  // MARK: Deadlines

  private func arm(_ deadline: Deadline) {
    guard deadline < timerDeadline else { return }
    timerDeadline = deadline
    timer.setTimer(nanoseconds: deadline.nanoseconds)
  }

  private func timerFired() {
    timer.resetCounter()
    timerDeadline = .never
    let now = parts.clock.monotonicNanoseconds()
    for connection in connections.all where connection.nextDeadline != .never {
      // The kernel tells of room for output only when there is plenty.
      let isWaiting = !connection.output.bytes.isEmpty
      if isWaiting { pump.flush(connection) }
      if connection.isOverdue(at: now) {
        // Half a frame cannot be answered, and half a reply cannot be taken back.
        parts.log.debug("connection closed", metadata: ["reason": "the peer let its time pass"])
        connection.isBroken = true
      } else if connection.callDeadline.hasPassed(at: now) {
        pump.expire(connection, at: now)
      } else if !isWaiting {
        arm(connection.nextDeadline)
        continue
      }
      settle(connection)
    }
  }
}

extension ConnectionID {
  fileprivate var token: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

  fileprivate init(token: UInt64) {
    self.init(slot: UInt32(truncatingIfNeeded: token), generation: UInt32(truncatingIfNeeded: token >> 32))
  }
}
