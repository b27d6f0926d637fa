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
    while index < queue.count, hasRoomForReplies {
      let next = queue[index]
      guard let stream = stream(next.id), stream.serial == next.serial, stream.phase == .queued else {
        queue.remove(at: index)
        continue
      }
      // A large call keeps no others waiting.
      guard canStart(stream) else {
        index += 1
        continue
      }
      queue.remove(at: index)
      start(stream)
      hasBegun = true
    }
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
      if try isCompressed(prefix, on: stream) {
        let plain = try Compression.gunzip(message, limit: plainLimit)
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

  /// Bytes that a compressed message may have unpacked.
  var plainLimit: Int {
    parts.caller.rights.isEmpty ? min(parts.limits.smallFrame, parts.limits.messageBytes) : parts.limits.messageBytes
  }

  private func carryOut(_ message: UnsafeRawBufferPointer, of stream: GRPCStream) throws(CallError) {
    switch stream.head.route {
    case .unary(let method): try call(method, message, on: stream)
    case .healthCheck:
      let service = try HealthMessages.decodeRequest(message, in: parts.arena)
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
      parts.caller.rights.contains(.validating(question.permission)),
      parts.plain.ask(question, parts.handlers, at: now, output: &stream.output)
    {
      guard !isLate(stream) else { throw .tooLate }
      return send(stream)
    }
    let request = try GRPCEnvelope.request(method, message, in: parts.arena)
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
