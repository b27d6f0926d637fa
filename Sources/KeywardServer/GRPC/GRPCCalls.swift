import KeywardCore
import KeywardWire

/// Calls on their way to the handlers.
extension GRPCSession {
  func canStart(_ stream: GRPCStream) -> Bool {
    guard buffered < parts.caller.unsentOutput(parts.limits) else { return false }
    return stream.head.route?.isLarge != true || largeCount < parts.limits.largeCallsInFlight
  }

  /// - Returns: whether a call has begun that waited for others.
  func startQueued() -> Bool {
    var hasBegun = false
    while let first = queue.first {
      guard let stream = stream(first.id), stream.serial == first.serial, stream.phase == .queued else {
        queue.removeFirst()
        continue
      }
      guard canStart(stream) else { break }
      queue.removeFirst()
      start(stream)
      hasBegun = true
    }
    answerPlain()
    return hasBegun
  }

  func start(_ stream: GRPCStream) {
    callCount += 1
    stream.phase = .waiting
    defer { parts.arena.reset() }
    do throws(CallError) {
      let bytes = message(of: stream)
      guard let prefix = GRPCPrefix(bytes) else {
        throw bytes.isEmpty ? .noMessage : .truncated
      }
      let message = UnsafeRawBufferPointer(rebasing: bytes[GRPCPrefix.byteCount...])
      guard message.count == prefix.messageByteCount else { throw .truncated }
      try prefix.checkFlag()
      switch stream.head.route {
      case .unary(let method): try call(method, message, on: stream)
      case .healthCheck:
        let service = try HealthMessages.decodeRequest(message, in: parts.arena)
        try parts.health.check(service).bytes.withUnsafeBytes { stream.output.append($0) }
        send(stream)
      case .healthWatch:
        let service = try HealthMessages.decodeRequest(message, in: parts.arena)
        parts.health.watch(service, beginReplies(on: stream))
      case .reflection, nil: break
      }
    } catch {
      fail(stream, error)
    }
    chunk = UnsafeRawBufferPointer(start: nil, count: 0)
    if !stream.input.isEmpty { stream.input.consume(stream.input.count) }
  }

  func call(_ method: Method, _ message: UnsafeRawBufferPointer, on stream: GRPCStream) throws(CallError) {
    if case .validateKey = method, let question = PlainValidateKey.decode(message),
      parts.caller.rights.contains(.validating(question.permission))
    {
      if parts.plain.isFull { answerPlain() }
      return parts.plain.add(question, of: stream)
    }
    carryOut(try GRPCEnvelope.request(method, message, in: parts.arena), of: method, on: stream)
  }

  /// Answers the plain calls that have come.
  func answerPlain() {
    parts.plain.answerAll(parts.handlers, at: now) { stream, question in
      if stream.output.isEmpty {
        let request = Request.validateKey(Question(secret: .digest(question.digest), permission: question.permission))
        carryOut(request, of: .validateKey, on: stream)
        parts.arena.reset()
      } else if isLate(stream) {
        stream.output.consume(stream.output.count)
        fail(stream, .tooLate)
      } else {
        send(stream)
      }
    }
  }

  private func carryOut(_ request: Request, of method: Method, on stream: GRPCStream) {
    let address = ReplyAddress(
      mailbox: parts.mailbox, connection: parts.connection, stream: UInt32(bitPattern: stream.id), serial: stream.serial
    )
    let caller = parts.caller.forOneCall()
    let result = parts.handlers.handle(request, of: caller, at: now, by: stream.callDeadline, replyTo: address)
    if let result {
      reply(isLate(stream) ? .failure(.tooLate) : result, on: stream)
    } else {
      // The reply comes through the reactor's mailbox, so it cannot have come yet.
      stream.caller = caller
      if method.isLarge {
        stream.isLarge = true
        largeCount += 1
      }
    }
  }

  func address(of stream: GRPCStream) -> ReplyAddress {
    ReplyAddress(
      mailbox: parts.mailbox, connection: parts.connection, stream: UInt32(bitPattern: stream.id), serial: stream.serial
    )
  }

  /// Has the call answered with whatever is sent on what this returns, until that is ended.
  @discardableResult
  func beginReplies(on stream: GRPCStream) -> ReplyStream {
    let replies = ReplyStream(to: address(of: stream), limit: parts.limits.streamedBytes, of: streamed)
    stream.replies = replies
    stream.phase = .streaming
    stream.deadline = stream.callDeadline
    submit(stream)
    return replies
  }

  func isLate(_ stream: GRPCStream) -> Bool {
    stream.callDeadline != .never && stream.callDeadline.hasPassed(at: parts.clock.monotonicNanoseconds())
  }
}
