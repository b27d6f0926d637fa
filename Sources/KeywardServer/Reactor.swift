import Dispatch
import KeywardCore
import KeywardWire
import Logging
import UnixSocket

/// Serves its share of the connections: one epoll set, itself a Dispatch source on a serial queue of its own, so that
/// it takes no thread while nothing happens and costs three system calls a request under load.
///
/// Concurrency: everything but the mailbox is touched on `queue` alone, which is what makes it `@unchecked Sendable`.
/// ``post(_:)`` is for every thread.
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

  /// Milliseconds that the queue's thread waits for more before it is given back. A wake-up through Dispatch costs
  /// four times one of epoll, so a busy reactor shall not need it.
  private static let linger: Int32 = 5

  private let parts: Parts
  private let queue: DispatchQueue
  /// Made when the reactor starts: one that was never activated must not be let go of.
  private var source: (any DispatchSourceRead)?
  private let events: EventSet
  private let mailbox: Mailbox
  private let pump: Pump
  private var connections = ConnectionTable()
  private var busyPoll: BusyPoll
  private var whenDrained: (@Sendable () -> Void)?

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
    queue = DispatchQueue(label: "keyward.reactor.\(number)", qos: .userInitiated)
  }

  /// Begins to serve. A reactor serves for the rest of the process's life, so its descriptors outlive its source.
  func start() {
    let source = DispatchSource.makeReadSource(fileDescriptor: events.descriptor.rawValue, queue: queue)
    source.setEventHandler { [self] in drainEvents() }
    self.source = source
    source.activate()
  }

  /// Sends the reactor a letter, from any thread.
  func post(_ letter: Mailbox.Letter) {
    mailbox.post(letter)
  }

  private func drainEvents() {
    dispatchPrecondition(condition: .onQueue(queue))
    repeat { pollBusily() } while turn(milliseconds: Self.linger) > 0
  }

  private func pollBusily() {
    while busyPoll.isOn, busyPoll.goesOn(at: parts.clock.monotonicNanoseconds()) {
      _ = turn(milliseconds: 0)
    }
  }

  /// Waits for events and does what they ask for.
  /// - Returns: how many there were.
  private func turn(milliseconds: Int32) -> Int {
    let count = events.wait(milliseconds: milliseconds) { handle($0) }
    answerPlainCalls()
    return count
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
      guard let connection = connections[ConnectionID(token: event.token)] else { return }
      if event.ready.contains(.output) { pump.flush(connection) }
      let isGone = !event.ready.isDisjoint(with: .hangup)
      let hasRead = (isGone || event.ready.contains(.input)) && pump.read(connection)
      if hasRead, busyPoll.isOn { busyPoll.noteRequest(at: parts.clock.monotonicNanoseconds()) }
      // A peer that has left for good gets no reply; what it still sent is read to the end first.
      if isGone, !hasRead { connection.isBroken = true }
      if connection.hasPlainCalls {
        if pump.hasEnoughPlainCalls { answerPlainCalls() }
      } else {
        settle(connection)
        // What takes the long way may take long.
        answerPlainCalls()
      }
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
      try events.add(connection.fd, connection.interest, token: connection.id.token)
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
      do throws(SystemError) {
        try events.modify(connection.fd, wanted, token: connection.id.token)
      } catch {
        lose(connection, error)
        return
      }
    }
    arm(connection.nextDeadline)
  }

  private func lose(_ connection: Connection, _ error: SystemError) {
    parts.log.error("connection lost", metadata: ["reason": "\(error)"])
    close(connection)
  }

  private func close(_ connection: Connection) {
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
