import KeywardCore
import KeywardWire
import UnixSocket

/// Moves a connection's bytes: in from its socket, through its session, and out again. It says on the connection what
/// came of it, and leaves closing to the reactor.
///
/// Concurrency: confined to its reactor's thread.
final class Pump {
  private let parts: Reactor.Parts
  private let mailbox: Mailbox
  private let arena = Arena()
  private let budget: FrameBudget
  /// nil where gRPC is switched off.
  private let http2: HTTP2Library?
  private let streams = GRPCStreamPool()
  /// Wiped after each read.
  private let readMemory = UnsafeMutableRawBufferPointer.allocate(byteCount: Pump.readByteCount, alignment: 16)
  /// Memory for a connection's output while it is at work.
  private var spareOutput = ByteBuffer(capacity: Pump.readByteCount)
  private let plainCalls = PlainCalls()
  /// Connections of theirs that are to be looked at when all replies have left.
  private var unsettled: [Connection] = []
  private let plainStreams = PlainStreams()
  /// Whether plain calls may wait for the end of the turn. Not when the server stops: then each connection is read to
  /// its end.
  private var takesPlainCalls = true

  private static let readByteCount = 64 * 1024
  /// Memory above this is not kept for the next connection.
  private static let keptOutput = 1024 * 1024
  /// Reads that a connection is given when the server stops: more than a socket holds.
  private static let lastReads = 64

  init(_ parts: Reactor.Parts, mailbox: Mailbox) {
    self.parts = parts
    self.mailbox = mailbox
    budget = FrameBudget(byteCount: parts.limits.largeFrames)
    http2 = parts.limits.speaksGRPC ? HTTP2Library(parts.limits) : nil
  }

  deinit {
    readMemory.deallocate()
  }

  /// Reads once and answers what has come whole, but for plain calls, which ``answerPlainCalls(_:)`` answers.
  /// - Parameter longWay: is called before anything is answered that may take long.
  /// - Returns: whether anything was there.
  func read(_ connection: Connection, before longWay: () -> Void) -> Bool {
    guard connection.isReadable else { return false }
    switch SocketIO.receive(connection.fd, into: readMemory) {
    case .bytes(let count):
      connection.mayHaveMore = count == readMemory.count
      take(UnsafeRawBufferPointer(rebasing: readMemory[..<count]), connection, before: longWay)
      readMemory.wipe(0..<count)
      return true
    case .wouldBlock: return false
    case .ended:
      connection.isInputOver = true
      return false
    case .failed:
      connection.isBroken = true
      return false
    }
  }

  /// Whether the plain calls that were read are to be answered before more is read.
  var hasEnoughPlainCalls: Bool { plainCalls.isEnough }

  /// Says from how many connections something is to be read in this turn.
  func expect(_ connectionCount: Int) { plainCalls.expect(connectionCount) }

  /// Answers the plain calls that were read.
  /// - Parameter settle: is called with each connection of theirs that is not as it was before they came.
  func answerPlainCalls(_ settle: (Connection) -> Void) {
    guard plainCalls.count > 0 else { return }
    assert(takesPlainCalls, "when the server stops, settling reads, and a read may be what calls this")
    parts.handlers.validateUnlimited(plainCalls, at: parts.clock.now())
    parts.statistics.countCalls(plainCalls.count)
    // Replies that are there wait for nothing else.
    plainCalls.removeAll { connection, group in if !send(group, to: connection) { unsettled.append(connection) } }
    guard !unsettled.isEmpty else { return }
    for connection in unsettled {
      if !connection.input.isEmpty || connection.frameDeadline != .never {
        resume(connection)
        flush(connection)
      }
      settle(connection)
    }
    unsettled.removeAll(keepingCapacity: true)
  }

  /// Has every call answered as soon as it is read from now on.
  /// - Precondition: ``answerPlainCalls(_:)`` was called since the last read.
  func stopTakingPlainCalls() {
    takesPlainCalls = false
  }

  /// Answers what has come in so far and reads nothing after it. Where replies cannot leave, it goes on at the next
  /// call.
  func finishReading(_ connection: Connection) {
    if let grpc = connection.grpc {
      grpc.end()
      return flush(connection, grpc)
    }
    var left = connection.readsLeft ?? Self.lastReads
    while connection.isReadable {
      if left == 0 || !read(connection, before: {}) { connection.isInputOver = true }
      left -= 1
    }
    connection.readsLeft = left
  }

  /// Puts out the reply of a call that waited.
  func finish(_ address: ReplyAddress, with result: Result<Reply, CallError>, on connection: Connection) {
    if let grpc = connection.grpc { return grpc.finish(address, with: result) }
    borrowOutput(connection)
    connection.session.finish(address, with: result, output: &connection.output, in: arena)
  }

  /// Answers the calls whose deadline has passed.
  func expire(_ connection: Connection, at now: UInt64) {
    if let grpc = connection.grpc {
      grpc.expire(at: now)
    } else {
      borrowOutput(connection)
      connection.session.expire(at: now, output: &connection.output, in: arena)
    }
    flush(connection)
  }

  /// Writes what is to go out, and goes on with frames that waited for it.
  func flush(_ connection: Connection) {
    if let grpc = connection.grpc { return flush(connection, grpc) }
    while send(connection) {
      connection.stallDeadline = .never
      returnOutput(connection)
      guard connection.isPaused, !connection.session.isFull(parts.limits) else { return }
      resume(connection)
    }
  }

  /// Gives back what a connection that is closed holds.
  func release(_ connection: Connection) {
    connection.session.close(budget)
    connection.grpc?.close()
  }

  // MARK: In

  /// Takes in what was read, after what was left before.
  private func take(_ bytes: UnsafeRawBufferPointer, _ connection: Connection, before longWay: () -> Void) {
    if !connection.isOpened { open(connection, bytes) }
    guard !connection.isBroken else { return }
    if let grpc = connection.grpc {
      longWay()
      return take(bytes, connection, grpc)
    }
    if connection.input.isEmpty {
      var rest = bytes[takePlainCalls(of: connection, from: bytes)...]
      // What is behind them waits until they are answered, for some may have to wait for the store.
      if !connection.hasPlainCalls {
        longWay()
        rest = rest.dropFirst(work(connection, on: UnsafeRawBufferPointer(rebasing: rest)))
      }
      if !rest.isEmpty { connection.input.append(UnsafeRawBufferPointer(rebasing: rest)) }
      guard !connection.hasPlainCalls else { return }
      timeFrame(connection)
    } else {
      connection.input.append(bytes)
      connection.input.consume(takePlainCalls(of: connection, from: connection.input.bytes))
      guard !connection.hasPlainCalls else { return }
      longWay()
      resume(connection)
    }
    flush(connection)
  }

  private func takePlainCalls(of connection: Connection, from bytes: UnsafeRawBufferPointer) -> Int {
    takesPlainCalls ? plainCalls.take(bytes, of: connection, parts) : 0
  }

  /// Finds out from the first byte which protocol is spoken: the length's top byte is 0 for ttrpc, and HTTP/2 begins with
  /// a `P` (PROTOCOL.md).
  private func open(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) {
    connection.isOpened = true
    switch bytes.first {
    case 0: return
    case UInt8(ascii: "P"):
      guard let http2 else { break }
      connection.grpc = GRPCSession(
        GRPCSession.Parts(
          caller: connection.caller, connection: connection.id, mailbox: mailbox, handlers: parts.handlers,
          health: parts.health, arena: arena, plain: plainStreams, limits: parts.limits, clock: parts.clock,
          budget: budget, library: http2,
          pool: streams))
      connection.frameDeadline = Deadline(
        from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.handshakeSeconds)
      if connection.grpc != nil { return }
    default: break
    }
    connection.isBroken = true
  }

  /// Takes in what was read, all of it.
  private func take(_ bytes: UnsafeRawBufferPointer, _ connection: Connection, _ grpc: GRPCSession) {
    let before = grpc.callCount
    if !grpc.receive(bytes, at: parts.clock.now()) { connection.isBroken = true }
    parts.statistics.countCalls(grpc.callCount - before)
    if grpc.isGreeted { connection.frameDeadline = .never }
    flush(connection, grpc)
  }

  /// Goes on with what is left of the input.
  private func resume(_ connection: Connection) {
    let consumed = work(connection, on: connection.input.bytes)
    connection.input.consume(consumed)
    connection.input.giveBack()
    timeFrame(connection)
  }

  /// - Returns: how many of the bytes are done with.
  private func work(_ connection: Connection, on bytes: UnsafeRawBufferPointer) -> Int {
    borrowOutput(connection)
    let context = context(of: connection)
    let before = connection.session.callCount
    let (consumed, progress) = connection.session.receive(bytes, context, output: &connection.output)
    parts.statistics.countCalls(connection.session.callCount - before)
    connection.isPaused = progress == .paused
    if progress == .violation { connection.isInputOver = true }
    return consumed
  }

  private func context(of connection: Connection) -> TTRPCSession.Context {
    TTRPCSession.Context(
      caller: connection.caller, connection: connection.id, mailbox: mailbox, handlers: parts.handlers, arena: arena,
      limits: parts.limits, clock: parts.clock, now: parts.clock.now(), budget: budget)
  }

  /// Gives the frame that has begun its time.
  private func timeFrame(_ connection: Connection) {
    guard !connection.isPaused, !connection.input.isEmpty || connection.session.isDiscarding else {
      connection.frameDeadline = .never
      return
    }
    let frame = connection.session.frameCount
    guard frame != connection.timedFrame || connection.frameDeadline == .never else { return }
    connection.timedFrame = frame
    connection.frameDeadline = Deadline(
      from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.frameSeconds)
  }

  // MARK: Out

  /// Sends the replies to a connection's plain calls.
  /// - Returns: whether all have left, and nothing else is under way on the connection.
  private func send(_ group: PlainCalls.Group, to connection: Connection) -> Bool {
    connection.hasPlainCalls = false
    guard var rest = plainCalls.replies(to: group) else {
      sendOneByOne(group, to: connection)
      return false
    }
    if connection.output.bytes.isEmpty, case .bytes(let count) = SocketIO.send(connection.fd, rest) {
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    guard !rest.isEmpty else { return connection.isQuiet }
    // What has not left, for whatever reason, goes the long way.
    borrowOutput(connection)
    connection.output.bytes.append(rest)
    flush(connection)
    return false
  }

  private func sendOneByOne(_ group: PlainCalls.Group, to connection: Connection) {
    let context = context(of: connection)
    borrowOutput(connection)
    plainCalls.forEach(in: group) { stream, deadline, reply, limited in
      if let limited {
        connection.session.carryOut(limited, on: stream, by: deadline, context, &connection.output)
      } else {
        connection.session.put(reply, on: stream, by: deadline, context, &connection.output)
      }
    }
    flush(connection)
  }

  /// Writes what is to go out, as long as it leaves.
  private func flush(_ connection: Connection, _ grpc: GRPCSession) {
    borrowOutput(connection)
    repeat {
      grpc.produce(into: &connection.output)
      guard !connection.output.bytes.isEmpty else { break }
    } while send(connection)
    guard connection.output.bytes.isEmpty else { return }
    connection.stallDeadline = .never
    returnOutput(connection)
  }

  /// - Returns: whether all the output has left; else it waits for the peer, or the connection is broken.
  private func send(_ connection: Connection) -> Bool {
    var hasSent = false
    while !connection.output.bytes.isEmpty {
      switch SocketIO.send(connection.fd, connection.output.bytes.bytes) {
      case .bytes(let count):
        connection.output.sent(count)
        hasSent = true
      case .wouldBlock:
        if hasSent || connection.stallDeadline == .never {
          connection.stallDeadline = Deadline(
            from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.stallSeconds)
        }
        return false
      case .ended, .failed:
        connection.isBroken = true
        return false
      }
    }
    return true
  }

  private func borrowOutput(_ connection: Connection) {
    if connection.output.bytes.capacity == 0 { swap(&connection.output.bytes, &spareOutput) }
  }

  private func returnOutput(_ connection: Connection) {
    guard connection.output.bytes.capacity > 0 else { return }
    if spareOutput.capacity == 0, connection.output.bytes.capacity <= Self.keptOutput {
      swap(&connection.output.bytes, &spareOutput)
    } else {
      connection.output.bytes.releaseMemory()
    }
  }
}
