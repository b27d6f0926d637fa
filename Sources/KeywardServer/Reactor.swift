import CUnixSocket
import Dispatch
import KeywardCore
import KeywardWire
import Logging
import Synchronization
import UnixSocket

/// Serves its share of the connections: one epoll set, itself a Dispatch source on a serial queue of its own, so that
/// it takes no thread while nothing happens and costs three system calls a request under load.
///
/// Concurrency: everything but the mailbox is touched on `queue` alone, which is what makes it `@unchecked Sendable`.
/// ``post(_:)`` is for every thread.
final class Reactor: @unchecked Sendable {
  /// What other threads ask of the reactor.
  enum Letter: Sendable {
    /// Serve a connection. The descriptor is the reactor's from then on.
    case adopt(Int32, Caller)
    case reply(ReplyAddress, Result<Reply, CallError>)
    /// Answer what has come, close what is quiet, and call when nothing is open.
    case drain(@Sendable () -> Void)
    /// Close everything.
    case abort
  }

  /// What the reactor works with.
  struct Parts: Sendable {
    let handlers: Handlers
    let limits: Limits
    let clock: Clock
    let census: Census
    let statistics: Statistics
    let log: Logger
  }

  // Tokens of the event set; a connection's are its slot and generation.
  private static let mailboxToken: UInt64 = .max
  private static let timerToken: UInt64 = .max - 1

  /// Milliseconds that the queue's thread waits for more before it is given back. A wake-up through Dispatch costs
  /// four times one of epoll, so a busy reactor shall not need it.
  private static let linger: Int32 = 5
  private static let readByteCount = 64 * 1024

  private let parts: Parts
  private let queue: DispatchQueue
  private let source: any DispatchSourceRead
  private let events: EventSet
  private let mailbox = Mutex<[Letter]>([])
  private let wake: Descriptor
  private let timer: Descriptor
  private var timerDeadline = Deadline.never

  private var connections: [Connection?] = []
  private var freeSlots: [UInt32] = []
  private var generation: UInt32 = 0
  private var openCount = 0
  private var whenDrained: (@Sendable () -> Void)?

  private let arena = Arena()
  private let budget: FrameBudget
  private var readBuffer = ByteBuffer(capacity: Reactor.readByteCount)
  /// Memory for a connection's output while it is at work.
  private var spareOutput = ByteBuffer(capacity: Reactor.readByteCount)

  init(_ parts: Parts, number: Int) throws(SystemError) {
    self.parts = parts
    budget = FrameBudget(byteCount: parts.limits.largeFrames)
    events = try EventSet()
    wake = try .eventCounter()
    timer = try .monotonicTimer()
    try events.add(wake.rawValue, .input, token: Self.mailboxToken)
    try events.add(timer.rawValue, .input, token: Self.timerToken)
    queue = DispatchQueue(label: "keyward.reactor.\(number)", qos: .userInitiated)
    source = DispatchSource.makeReadSource(fileDescriptor: events.descriptor.rawValue, queue: queue)
  }

  /// Begins to serve. A reactor serves for the rest of the process's life, so its descriptors outlive its source.
  func start() {
    source.setEventHandler { [self] in drainEvents() }
    source.activate()
  }

  /// Sends the reactor a letter, from any thread.
  func post(_ letter: Letter) {
    let isFirst = mailbox.withLock { mailbox in
      mailbox.append(letter)
      return mailbox.count == 1
    }
    if isFirst { wake.addToCounter() }
  }

  private func drainEvents() {
    dispatchPrecondition(condition: .onQueue(queue))
    while events.wait(milliseconds: Self.linger, { handle($0) }) > 0 {}
  }

  private func handle(_ event: EventSet.Event) {
    switch event.token {
    case Self.mailboxToken: openMailbox()
    case Self.timerToken: timerFired()
    default:
      guard let connection = connection(ConnectionID(token: event.token)) else { return }
      if event.ready.contains(.output) { flush(connection) }
      if !event.ready.isDisjoint(with: [.input, .hangup]) {
        read(connection, isGone: !event.ready.isDisjoint(with: .hangup))
      }
      settle(connection)
    }
  }

  // MARK: Letters

  private func openMailbox() {
    wake.resetCounter()
    let letters = mailbox.withLock { mailbox in
      defer { mailbox = [] }
      return mailbox
    }
    var touched: [Connection] = []
    for letter in letters {
      switch letter {
      case .adopt(let fd, let caller): adopt(Descriptor(owning: fd), caller)
      case .reply(let address, let result):
        guard let connection = connection(address.connection) else { continue }
        borrowOutput(connection)
        connection.session.finish(address, with: result, output: &connection.output, in: arena)
        touched.append(connection)
      case .drain(let completion): drainConnections(completion)
      case .abort: for case let connection? in connections { close(connection) }
      }
    }
    // The replies of one wake-up leave in one write.
    for connection in touched where isOpen(connection) {
      flush(connection)
      settle(connection)
    }
  }

  private func adopt(_ descriptor: consuming Descriptor, _ caller: Caller) {
    generation &+= 1
    let slot = freeSlots.popLast() ?? UInt32(connections.count)
    if slot == connections.count { connections.append(nil) }
    let connection = Connection(descriptor, id: ConnectionID(slot: slot, generation: generation), caller: caller)
    connections[Int(slot)] = connection
    openCount += 1
    do throws(SystemError) {
      try events.add(connection.fd, .input, token: connection.id.token)
    } catch {
      parts.log.error("connection lost", metadata: ["reason": "\(error)"])
      close(connection)
      return
    }
    if whenDrained != nil { finishReading(connection) }
  }

  private func drainConnections(_ completion: @escaping @Sendable () -> Void) {
    whenDrained = completion
    for case let connection? in connections { finishReading(connection) }
    if openCount == 0 { completion() }
  }

  /// Answers what has come in so far and reads nothing after it.
  private func finishReading(_ connection: Connection) {
    read(connection, isGone: false)
    connection.isInputOver = true
    settle(connection)
  }

  // MARK: Connections

  private func connection(_ id: ConnectionID) -> Connection? {
    guard Int(id.slot) < connections.count, let connection = connections[Int(id.slot)], connection.id == id else {
      return nil
    }
    return connection
  }

  private func isOpen(_ connection: Connection) -> Bool { self.connection(connection.id) != nil }

  /// - Parameter isGone: whether the peer has left for good, so that what it still sent is all there will be and no
  ///   reply reaches it.
  private func read(_ connection: Connection, isGone: Bool) {
    if !connection.isInputOver, !connection.isPaused {
      switch SocketIO.receive(connection.fd, into: readBuffer.reserve(Self.readByteCount)) {
      case .bytes(let count):
        readBuffer.commit(count)
        take(connection)
        return
      case .wouldBlock: break
      case .ended: connection.isInputOver = true
      case .failed:
        close(connection)
        return
      }
    }
    if isGone { close(connection) }
  }

  /// Takes in what was read, after what was left before.
  private func take(_ connection: Connection) {
    if !connection.isOpened {
      // The length's top byte is 0 for ttrpc (PROTOCOL.md); nothing else is spoken here.
      guard readBuffer.bytes.first == 0 else {
        readBuffer.consume(readBuffer.count)
        close(connection)
        return
      }
      connection.isOpened = true
    }
    if connection.input.isEmpty {
      let consumed = work(connection, on: readBuffer.bytes)
      readBuffer.consume(consumed)
      if !readBuffer.isEmpty { connection.input.append(readBuffer.bytes) }
    } else {
      connection.input.append(readBuffer.bytes)
      resume(connection)
    }
    readBuffer.consume(readBuffer.count)
    flush(connection)
  }

  /// Goes on with what is left of the input.
  private func resume(_ connection: Connection) {
    let consumed = work(connection, on: connection.input.bytes)
    connection.input.consume(consumed)
    if connection.input.isEmpty { connection.input.releaseMemory() }
  }

  private func work(_ connection: Connection, on bytes: UnsafeRawBufferPointer) -> Int {
    borrowOutput(connection)
    let id = connection.id
    let context = TTRPCSession.Context(
      caller: connection.caller, handlers: parts.handlers, arena: arena, limits: parts.limits, clock: parts.clock,
      now: parts.clock.now(), budget: budget,
      address: { [self] in ReplyAddress(reactor: self, connection: id, stream: $0, serial: $1) })
    let before = connection.session.callCount
    let (consumed, progress) = connection.session.receive(bytes, context, output: &connection.output)
    parts.statistics.countCalls(connection.session.callCount - before)
    switch progress {
    case .needsMore: connection.isPaused = false
    case .paused: connection.isPaused = true
    case .violation:
      connection.isPaused = false
      connection.isInputOver = true
    }
    return consumed
  }

  /// Writes what is to go out, and goes on with frames that waited for it.
  private func flush(_ connection: Connection) {
    while true {
      while !connection.output.isEmpty {
        switch SocketIO.send(connection.fd, connection.output.bytes) {
        case .bytes(let count): connection.output.consume(count)
        case .wouldBlock: return
        case .ended, .failed:
          close(connection)
          return
        }
      }
      connection.session.unsentDeadline = .never
      returnOutput(connection)
      guard connection.isPaused, connection.session.inFlightCount < parts.limits.callsInFlight else { return }
      resume(connection)
    }
  }

  /// Closes a connection that is finished, and else watches for what it needs next.
  private func settle(_ connection: Connection) {
    guard isOpen(connection) else { return }
    guard !connection.isFinished else {
      close(connection)
      return
    }
    let wanted = connection.wantedInterest(parts.limits)
    if wanted != connection.interest {
      connection.interest = wanted
      do throws(SystemError) {
        try events.modify(connection.fd, wanted, token: connection.id.token)
      } catch {
        parts.log.error("connection lost", metadata: ["reason": "\(error)"])
        close(connection)
        return
      }
    }
    let deadline = connection.nextDeadline
    if deadline < timerDeadline { arm(deadline) }
  }

  private func close(_ connection: Connection) {
    guard isOpen(connection) else { return }
    connection.session.close(budget)
    connections[Int(connection.id.slot)] = nil
    freeSlots.append(connection.id.slot)
    openCount -= 1
    parts.census.leave(connection.caller.peer)
    // The descriptor goes with the connection, and out of the event set with it.
    if openCount == 0 { whenDrained?() }
  }

  private func borrowOutput(_ connection: Connection) {
    if connection.output.capacity == 0 { swap(&connection.output, &spareOutput) }
  }

  private func returnOutput(_ connection: Connection) {
    guard connection.output.capacity > 0 else { return }
    if spareOutput.capacity == 0, connection.output.capacity <= 16 * Self.readByteCount {
      swap(&connection.output, &spareOutput)
    } else {
      connection.output.releaseMemory()
    }
  }

  // MARK: Deadlines

  private func arm(_ deadline: Deadline) {
    timerDeadline = deadline
    if deadline != .never { timer.setTimer(nanoseconds: deadline.nanoseconds) }
  }

  private func timerFired() {
    timer.resetCounter()
    timerDeadline = .never
    let now = parts.clock.monotonicNanoseconds()
    for case let connection? in connections {
      guard connection.nextDeadline != .never else { continue }
      if !connection.output.isEmpty, connection.session.unsentDeadline.hasPassed(at: now) {
        // The peer does not read what it asked for, and a reply cannot be taken back half-way.
        close(connection)
        continue
      }
      borrowOutput(connection)
      connection.session.expire(at: now, output: &connection.output, in: arena)
      flush(connection)
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
