import KeywardCore
import KeywardWire

/// Calls on their way to the handlers.
extension GRPCSession {
  var hasRoomForReplies: Bool { buffered < parts.caller.unsentOutput(parts.limits) }

  func canStart(_ stream: GRPCStream) -> Bool {
    guard hasRoomForReplies else { return false }
    return stream.head.route?.isLarge != true || largeCount < parts.limits.largeCallsInFlight
  }

  /// - Returns: whether a call has begun that waited for others.
  func startQueued() -> Bool {
    var hasBegun = false
    var index = 0
    var leftCount = 0
    while index < queue.count, hasRoomForReplies {
      let next = queue[index]
      index += 1
      guard let stream = queuedStream(next) else { continue }
      if canStart(stream) {
        start(stream)
        hasBegun = true
      } else {
        // A large call keeps no others waiting.
        queue[leftCount] = next
        leftCount += 1
      }
    }
    queue.removeSubrange(leftCount..<index)
    answerPlain()
    return hasBegun
  }

  /// Has a call wait for those before it.
  func enqueue(_ stream: GRPCStream) {
    // Calls that were cancelled or came too late leave here, so that they never are the most.
    if queue.count > 2 * open.count + 16 { queue.removeAll { queuedStream($0) == nil } }
    stream.phase = .queued
    queue.append((stream.id, stream.serial))
  }

  private func queuedStream(_ entry: (id: Int32, serial: UInt64)) -> GRPCStream? {
    guard let stream = stream(entry.id), stream.serial == entry.serial, stream.phase == .queued else { return nil }
    return stream
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
      if try isCompressed(prefix, on: stream) {
        let plain = try Compression.gunzip(message, limit: plainLimit(of: stream))
        try carryOut(plain.bytes, of: stream)
      } else {
        try carryOut(message, of: stream)
      }
    } catch {
      fail(stream, error)
    }
    chunk = UnsafeRawBufferPointer(start: nil, count: 0)
    if !stream.input.isEmpty { consumeInput(stream, stream.input.count) }
  }

  /// Whether a message has to be unpacked.
  /// - Throws: INTERNAL where nothing says how, INVALID_ARGUMENT for a flag that there is not.
  func isCompressed(_ prefix: GRPCPrefix, on stream: GRPCStream) throws(CallError) -> Bool {
    guard prefix.flag != 0 else { return false }
    guard prefix.flag == 1 else { throw .flagUnknown(prefix.flag) }
    guard case .gzip = stream.head.encoding else { throw .compressedWithoutEncoding }
    return true
  }

  /// Bytes that a compressed message may have unpacked: few where a method needs no more, for a few bytes can be made
  /// to unpack to very many.
  private func plainLimit(of stream: GRPCStream) -> Int {
    let isLarge = stream.head.route?.takesLargeMessages == true && !parts.caller.rights.isEmpty
    return isLarge ? parts.limits.messageBytes : min(parts.limits.smallFrame, parts.limits.messageBytes)
  }

  private func carryOut(_ message: UnsafeRawBufferPointer, of stream: GRPCStream) throws(CallError) {
    switch stream.head.route {
    case .unary(let method): try call(method, message, on: stream)
    case .healthCheck:
      let service = try HealthMessages.decodeRequest(message, in: parts.arena)
      guard !isLate(stream) else { throw .tooLate }
      try parts.health.check(service).bytes.withUnsafeBytes { stream.output.append($0) }
      send(stream)
    case .healthWatch:
      let service = try HealthMessages.decodeRequest(message, in: parts.arena)
      parts.health.watch(service, beginReplies(on: stream))
    case .watchKeys:
      guard case .watchKeys(let revision) = try GRPCEnvelope.request(.watchKeys, message, in: parts.arena) else {
        break
      }
      let caller = parts.caller.forOneCall()
      try parts.handlers.watch(after: revision, for: caller) { beginReplies(on: stream) }
      stream.caller = caller
    case .reflection, nil: break
    }
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
    let caller = parts.caller.forOneCall()
    let result = parts.handlers.handle(
      request, of: caller, at: now, by: stream.callDeadline, replyTo: address(of: stream))
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
    let replies = ReplyStream(
      to: address(of: stream), limit: min(parts.limits.streamedBytes, parts.caller.unsentOutput(parts.limits)),
      of: streamed)
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
