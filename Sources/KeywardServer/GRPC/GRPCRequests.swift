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
      if let method = route.method { try parts.handlers.admit(parts.caller, to: method) }
      if route.takesStream { beginReplies(on: stream) }
    } catch {
      // Some clients never notice the end of an answer that comes while they send, so it waits for that.
      stream.phase = .replying
      stream.refusal = error
      stream.callDeadline = Deadline(from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.frameSeconds)
      awaitRest(of: stream)
    }
  }

  /// Answers a call that was refused by its head.
  func giveRefusal(_ stream: GRPCStream) {
    guard let refusal = stream.refusal else { return }
    stream.refusal = nil
    fail(stream, refusal)
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
        return refuse(stream, .messageTooLong(parts.limits.smallFrame))
      }
      let end = GRPCPrefix.byteCount + prefix.messageByteCount
      guard stream.input.count >= end else { break }
      do throws(CallError) {
        defer { parts.arena.reset() }
        let message = UnsafeRawBufferPointer(rebasing: stream.input.bytes[GRPCPrefix.byteCount..<end])
        guard streamed.total < parts.caller.unsentOutput(parts.limits) else { return try hold(stream) }
        let answer: StreamMessage
        if try isCompressed(prefix, on: stream) {
          let plain = try Compression.gunzip(message, limit: parts.limits.smallFrame)
          answer = try ReflectionMessages.answer(plain.bytes, in: parts.arena)
        } else {
          answer = try ReflectionMessages.answer(message, in: parts.arena)
        }
        guard case .taken = replies.send(answer) else { return try hold(stream) }
      } catch {
        return refuse(stream, error)
      }
      consumeInput(stream, end)
    }
    letGo(stream)
    if stream.hasEnded { replies.finish(stream.input.isEmpty ? nil : .truncated) }
  }

  /// Lets what has come of a stream's messages wait until the peer has taken more of its replies.
  /// - Throws: RESOURCE_EXHAUSTED where that is too much already.
  private func hold(_ stream: GRPCStream) throws(CallError) {
    guard stream.input.count <= GRPCPrefix.byteCount + parts.limits.smallFrame else { throw .repliesNotTaken }
    guard !stream.isHeld else { return }
    stream.isHeld = true
    heldCount += 1
  }

  func letGo(_ stream: GRPCStream) {
    guard stream.isHeld else { return }
    stream.isHeld = false
    heldCount -= 1
  }

  /// Goes on with messages that waited for replies to be taken.
  func takeHeld() {
    guard heldCount > 0, streamed.total <= parts.caller.unsentOutput(parts.limits) / 2 else { return }
    for stream in open where stream.isHeld { takeStreamed(of: stream) }
  }

  /// Answers a call whose messages are not wanted any more, after what has been answered already.
  func refuse(_ stream: GRPCStream, _ error: CallError) {
    guard let replies = stream.replies else { return fail(stream, error) }
    stream.isDeaf = true
    letGo(stream)
    consumeInput(stream, stream.input.count)
    replies.finish(error)
  }

  /// The peer has sent all it will.
  func end(_ stream: GRPCStream) {
    stream.hasEnded = true
    giveRefusal(stream)
    if stream.phase == .streaming, let replies = stream.replies, stream.head.route?.takesStream == true, !stream.isHeld
    {
      replies.finish(stream.input.isEmpty ? nil : .truncated)
    }
    guard stream.phase == .receiving else { return }
    stream.deadline = stream.callDeadline
    guard canStart(stream) else {
      keepChunk()
      return enqueue(stream)
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
    let more = kept + bytes.count - parts.limits.smallFrame - claimed
    if more > 0 {
      guard !parts.caller.rights.isEmpty else { return refuse(stream, .tooLongWithoutRights) }
      guard parts.budget.claim(more) else { return refuse(stream, .memoryIsShort) }
      claimed += more
    }
    kept += bytes.count
    stream.input.append(bytes)
  }

  /// Drops what is done with of a request.
  func consumeInput(_ stream: GRPCStream, _ count: Int) {
    stream.input.consume(count)
    kept -= count
    let excess = claimed - max(0, kept - parts.limits.smallFrame)
    guard excess > 0 else { return }
    claimed -= excess
    parts.budget.release(excess)
  }
}

extension GRPCStream {
  /// Whether what comes of messages is wanted.
  var takesData: Bool {
    phase == .receiving || phase == .streaming && head.route?.takesStream == true && !hasEnded && !isDeaf
  }
}
