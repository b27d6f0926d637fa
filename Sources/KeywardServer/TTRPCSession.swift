import KeywardCore
import KeywardWire

/// What a connection's ttrpc has come to: frames in, calls to the handlers, replies out.
///
/// proto/PROTOCOL.md lists what it answers to each kind of frame, right or wrong.
///
/// Concurrency: confined to its reactor's thread.
struct TTRPCSession {
  /// What the session works with for the length of one call.
  struct Context {
    let caller: Caller
    let connection: ConnectionID
    let mailbox: Mailbox
    let handlers: Handlers
    let arena: Arena
    let limits: Limits
    let clock: Clock
    let now: Instant
    let budget: FrameBudget
  }

  /// How far a read went.
  enum Progress {
    /// All that can be done with the bytes is done; more are needed.
    case needsMore
    /// What is left of the bytes waits until replies have left.
    case paused
    /// The rest of the connection makes no sense.
    case violation
  }

  private struct InFlight {
    let serial: UInt64
    let deadline: Deadline
    let isLarge: Bool
  }

  private var inFlight: [UInt32: InFlight] = [:]
  private var nextSerial: UInt64 = 0
  /// Bytes of the present frame that are of no use.
  private var discarding = 0
  /// Bytes of ``FrameBudget`` that the present frame holds.
  private var claimed = 0
  private(set) var callCount = 0
  /// Frames done with, and those read past as well.
  private(set) var frameCount: UInt64 = 0
  /// No call that waits has an earlier deadline.
  private(set) var nextDeadline = Deadline.never

  var isIdle: Bool { inFlight.isEmpty }
  /// Whether no call is under way, and no frame either.
  var isQuiet: Bool { inFlight.isEmpty && discarding == 0 }
  private var largeInFlightCount = 0

  /// Whether as many calls wait as one connection may have waiting.
  func isFull(_ limits: Limits) -> Bool {
    inFlight.count >= limits.callsInFlight || largeInFlightCount >= limits.largeCallsInFlight
  }

  /// How many calls more may wait.
  func roomForCalls(_ limits: Limits) -> Int { isFull(limits) ? 0 : limits.callsInFlight - inFlight.count }

  /// Whether the rest of a frame is read past.
  var isDiscarding: Bool { discarding > 0 }

  /// Whether a call on a stream can be answered apart from all others.
  func takesPlainCall(on stream: UInt32) -> Bool {
    discarding == 0 && claimed == 0 && (inFlight.isEmpty || inFlight[stream] == nil)
  }

  /// Counts calls that were answered apart.
  mutating func countPlainCalls(_ count: Int) {
    frameCount += UInt64(count)
  }

  /// Carries out a call that was taken as a plain one, but whose key has limits.
  mutating func carryOut(
    _ question: PlainQuestion, on stream: UInt32, by deadline: Deadline, _ context: borrowing Context,
    _ output: inout Outbox
  ) {
    guard !refusesUse(of: stream, context, &output) else { return }
    let request = Request.validateKey(Question(secret: .digest(question.digest), permission: question.permission))
    carryOut(request, of: .validateKey, on: stream, by: deadline, context, &output)
    context.arena.reset()
  }

  /// Puts out the reply to a call that was answered apart, unless it is too late.
  mutating func put(
    _ frame: UnsafeRawBufferPointer, on stream: UInt32, by deadline: Deadline, _ context: borrowing Context,
    _ output: inout Outbox
  ) {
    guard !refusesUse(of: stream, context, &output) else { return }
    guard !isLate(deadline, context) else {
      reply(.failure(.tooLate), on: stream, by: .never, &output, context.arena)
      return context.arena.reset()
    }
    output.bytes.append(frame)
    output.markReply(by: deadline)
  }

  /// Refuses a call whose stream was given to one before it in the same read.
  private mutating func refusesUse(
    of stream: UInt32, _ context: borrowing Context, _ output: inout Outbox
  ) -> Bool {
    guard inFlight[stream] != nil else { return false }
    reply(.failure(.inUse(stream)), on: stream, by: .never, &output, context.arena)
    context.arena.reset()
    return true
  }

  /// Takes in as many frames as there are.
  /// - Returns: how many bytes are done with, and what comes next.
  mutating func receive(
    _ bytes: UnsafeRawBufferPointer, _ context: borrowing Context, output: inout Outbox
  ) -> (consumed: Int, Progress) {
    var position = 0
    while true {
      if discarding > 0 {
        let count = min(discarding, bytes.count - position)
        position += count
        discarding -= count
        if discarding > 0 { return (position, .needsMore) }
        frameCount += 1
      }
      guard output.bytes.count < context.caller.unsentOutput(context.limits),
        !isFull(context.limits)
      else {
        return (position, position < bytes.count ? .paused : .needsMore)
      }
      let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
      guard let header = FrameHeader(rest) else { return (position, .needsMore) }
      switch admit(header, available: rest.count, context, &output) {
      case .take:
        let data = rest[FrameHeader.byteCount..<FrameHeader.byteCount + header.dataByteCount]
        call(UnsafeRawBufferPointer(rebasing: data), on: header.streamID, context, &output)
        position += FrameHeader.byteCount + header.dataByteCount
        frameCount += 1
        release(context)
      case .wait:
        return (position, .needsMore)
      case .skip:
        position += FrameHeader.byteCount
        discarding = header.dataByteCount
        frameCount += 1
        release(context)
      case .violation:
        return (bytes.count, .violation)
      }
    }
  }

  /// Puts out the reply of a call that waited, unless the call is over already.
  mutating func finish(
    _ address: ReplyAddress, with result: Result<Reply, CallError>, output: inout Outbox, in arena: Arena
  ) {
    guard let call = inFlight[address.stream], call.serial == address.serial else { return }
    inFlight[address.stream] = nil
    if call.isLarge { largeInFlightCount -= 1 }
    reply(result, on: address.stream, by: call.deadline, &output, arena)
    arena.reset()
  }

  /// Answers the calls whose deadline has passed.
  mutating func expire(at now: UInt64, output: inout Outbox, in arena: Arena) {
    for (stream, call) in inFlight where call.deadline.hasPassed(at: now) {
      inFlight[stream] = nil
      if call.isLarge { largeInFlightCount -= 1 }
      // Too late already, so it shall not count as a reply that is not taken in time.
      reply(.failure(.tooLate), on: stream, by: .never, &output, arena)
    }
    nextDeadline = inFlight.values.lazy.map(\.deadline).min() ?? .never
    arena.reset()
  }

  /// Gives back what the session holds of the reactor's memory.
  mutating func close(_ budget: FrameBudget) {
    budget.release(claimed)
    claimed = 0
  }

  private enum Admission {
    case take
    case wait
    case skip
    case violation
  }

  /// Judges a frame by its header, so that what is refused need not be held.
  private mutating func admit(
    _ header: FrameHeader, available: Int, _ context: borrowing Context, _ output: inout Outbox
  ) -> Admission {
    let refusal: CallError?
    switch header.kind {
    case nil, .response: refusal = nil
    case .data: refusal = CallError(.invalidArgument, "ttrpc streams are not served here: use unary calls, or gRPC")
    case .request:
      guard let wrong = wrongness(of: header, context) else {
        guard available < FrameHeader.byteCount + header.dataByteCount else { return .take }
        guard claim(available, context) else {
          refuse(.memoryIsShort, on: header.streamID, context, &output)
          return .skip
        }
        return .wait
      }
      refusal = wrong
    }
    if let refusal { refuse(refusal, on: header.streamID, context, &output) }
    return header.dataByteCount <= context.limits.discardedInput ? .skip : .violation
  }

  private func wrongness(of header: FrameHeader, _ context: borrowing Context) -> CallError? {
    if header.dataByteCount > FrameHeader.maxDataByteCount {
      return CallError(.resourceExhausted, "the frame is longer than 4 MiB: send less at once")
    }
    if header.streamID % 2 == 0 {
      return CallError(.invalidArgument, "stream id \(header.streamID) is even: a client's are odd")
    }
    if header.dataByteCount > context.limits.smallFrame, context.caller.rights.isEmpty {
      return CallError(.permissionDenied, "a request this long needs a right, and this user has been granted none")
    }
    if inFlight[header.streamID] != nil {
      return .inUse(header.streamID)
    }
    return nil
  }

  private mutating func call(
    _ data: UnsafeRawBufferPointer, on stream: UInt32, _ context: borrowing Context, _ output: inout Outbox
  ) {
    callCount += 1
    defer { context.arena.reset() }
    do throws(CallError) {
      let call = try TTRPCCall(data, in: context.arena)
      let deadline = Deadline(from: call.timeoutNanoseconds, clock: context.clock)
      try context.handlers.admit(context.caller, to: call.method)
      carryOut(try call.request(in: context.arena), of: call.method, on: stream, by: deadline, context, &output)
    } catch {
      reply(.failure(error), on: stream, by: .never, &output, context.arena)
    }
  }

  private mutating func carryOut(
    _ request: Request, of method: Method, on stream: UInt32, by deadline: Deadline, _ context: borrowing Context,
    _ output: inout Outbox
  ) {
    let serial = nextSerial
    nextSerial += 1
    let address = ReplyAddress(
      mailbox: context.mailbox, connection: context.connection, stream: stream, serial: serial)
    let result = context.handlers.handle(
      request, of: context.caller, at: context.now, by: deadline, replyTo: address)
    if let result {
      reply(isLate(deadline, context) ? .failure(.tooLate) : result, on: stream, by: deadline, &output, context.arena)
    } else {
      // The reply comes through the reactor's mailbox, so it cannot have come yet.
      inFlight[stream] = InFlight(serial: serial, deadline: deadline, isLarge: method.isLarge)
      if method.isLarge { largeInFlightCount += 1 }
      nextDeadline = min(nextDeadline, deadline)
    }
  }

  private func isLate(_ deadline: Deadline, _ context: borrowing Context) -> Bool {
    deadline != .never && deadline.hasPassed(at: context.clock.monotonicNanoseconds())
  }

  private mutating func reply(
    _ result: Result<Reply, CallError>, on stream: UInt32, by deadline: Deadline, _ output: inout Outbox,
    _ arena: Arena
  ) {
    switch result {
    case .success(let reply): TTRPCEnvelope.append(reply, stream: stream, to: &output.bytes, in: arena)
    case .failure(let error): TTRPCEnvelope.append(error, stream: stream, to: &output.bytes, in: arena)
    }
    if case .success = result { output.markReply(by: deadline) }
  }

  private mutating func refuse(
    _ error: CallError, on stream: UInt32, _ context: borrowing Context, _ output: inout Outbox
  ) {
    callCount += 1
    TTRPCEnvelope.append(error, stream: stream, to: &output.bytes, in: context.arena)
    context.arena.reset()
  }

  /// Accounts for what has come of a frame that is not whole, as it comes: its header alone takes nothing.
  private mutating func claim(_ byteCount: Int, _ context: borrowing Context) -> Bool {
    let more = byteCount - context.limits.smallFrame - claimed
    guard more > 0 else { return true }
    guard context.budget.claim(more) else { return false }
    claimed += more
    return true
  }

  private mutating func release(_ context: borrowing Context) {
    guard claimed > 0 else { return }
    close(context.budget)
  }
}

extension CallError {
  fileprivate static func inUse(_ stream: UInt32) -> CallError {
    CallError(.invalidArgument, "stream id \(stream) is in use by a call that is not over")
  }

  static let memoryIsShort = CallError.tooManyWaiting(
    "too many large frames are under way: try again in a moment")
}

/// The memory of one reactor for long frames that have not come whole.
///
/// Concurrency: confined to its reactor's thread.
final class FrameBudget {
  private var left: Int

  init(byteCount: Int) {
    left = byteCount
  }

  func claim(_ byteCount: Int) -> Bool {
    guard byteCount <= left else { return false }
    left -= byteCount
    return true
  }

  func release(_ byteCount: Int) {
    left += byteCount
  }
}
