import CNghttp2
import KeywardCore
import KeywardWire

/// What comes of a call: its head, and its messages as they come.
extension GRPCSession {
  func takeHead(of stream: GRPCStream) {
    switch stream.head.refusal {
    case .malformed: return reset(stream, NGHTTP2_PROTOCOL_ERROR)
    case .httpStatus(let status): return answer(stream, status)
    case nil: break
    }
    do throws(CallError) {
      guard let route = stream.head.route else { throw .unknown(path: stream.head.unknownPath ?? "") }
      if let error = stream.head.error { throw error }
      if let timeout = stream.head.timeout {
        stream.callDeadline = Deadline(from: parts.clock.monotonicNanoseconds(), timeout: timeout)
        stream.deadline = min(stream.deadline, stream.callDeadline)
        nextDeadline = min(nextDeadline, stream.deadline)
      }
      if case .unary(let method) = route { try parts.handlers.admit(parts.caller, to: method) }
      if route.takesStream { beginReplies(on: stream) }
    } catch {
      fail(stream, error)
    }
  }

  /// Looks at what has come of the messages.
  func takeData(of stream: GRPCStream) {
    guard stream.phase == .receiving else { return takeStreamed(of: stream) }
    let bytes = message(of: stream)
    guard let prefix = GRPCPrefix(bytes) else { return }
    if prefix.messageByteCount > parts.limits.messageBytes {
      fail(stream, .messageTooLong(parts.limits.messageBytes))
    } else if bytes.count > GRPCPrefix.byteCount + prefix.messageByteCount {
      fail(stream, .moreThanOneMessage)
    }
  }

  /// Answers the messages that have come whole, of a peer that sends any number of them.
  func takeStreamed(of stream: GRPCStream) {
    guard stream.phase == .streaming, let replies = stream.replies else { return }
    keepChunk()
    while let prefix = GRPCPrefix(stream.input.bytes) {
      guard prefix.messageByteCount <= parts.limits.smallFrame else {
        return replies.finish(.messageTooLong(parts.limits.smallFrame))
      }
      let end = GRPCPrefix.byteCount + prefix.messageByteCount
      guard stream.input.count >= end else { return }
      do throws(CallError) {
        defer { parts.arena.reset() }
        try prefix.checkFlag()
        let message = UnsafeRawBufferPointer(rebasing: stream.input.bytes[GRPCPrefix.byteCount..<end])
        guard case .taken = replies.send(try ReflectionMessages.answer(message, in: parts.arena)) else {
          throw .repliesNotTaken
        }
      } catch {
        return replies.finish(error)
      }
      stream.input.consume(end)
    }
  }

  /// The peer has sent all it will.
  func end(_ stream: GRPCStream) {
    stream.hasEnded = true
    if stream.phase == .streaming, let replies = stream.replies, stream.head.route?.takesStream == true {
      replies.finish(stream.input.isEmpty ? nil : .truncated)
    }
    guard stream.phase == .receiving else { return }
    stream.deadline = stream.callDeadline
    guard canStart(stream) else {
      keepChunk()
      stream.phase = .queued
      queue.append((stream.id, stream.serial))
      return
    }
    start(stream)
  }

  func message(of stream: GRPCStream) -> UnsafeRawBufferPointer {
    stream.id == currentID && !chunk.isEmpty ? chunk : stream.input.bytes
  }

  /// Copies what must outlive the read buffer.
  func keepChunk() {
    guard !chunk.isEmpty else { return }
    let bytes = chunk
    chunk = UnsafeRawBufferPointer(start: nil, count: 0)
    if let stream = current?.takeUnretainedValue(), stream.takesData { keep(bytes, of: stream) }
  }

  func keep(_ bytes: UnsafeRawBufferPointer, of stream: GRPCStream) {
    let more = stream.input.count + bytes.count - parts.limits.smallFrame - stream.claimed
    if more > 0 {
      guard !parts.caller.rights.isEmpty else { return fail(stream, .tooLongWithoutRights) }
      guard parts.budget.claim(more) else { return fail(stream, .memoryIsShort) }
      stream.claimed += more
    }
    stream.input.append(bytes)
  }
}

extension GRPCStream {
  /// Whether what comes of messages is wanted.
  var takesData: Bool {
    phase == .receiving || phase == .streaming && head.route?.takesStream == true && !hasEnded
  }
}
