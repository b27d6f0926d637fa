import CNghttp2
import KeywardCore
import KeywardWire

/// What goes out on a stream.
extension GRPCSession {
  /// Goes on with a stream of replies, of which there is more.
  func wake(_ address: ReplyAddress) {
    guard let stream = stream(Int32(bitPattern: address.stream)), stream.serial == address.serial,
      stream.phase == .streaming, let replies = stream.replies
    else { return }
    if replies.isAtEnd {
      switch replies.take() {
      case .abruptEnd(let end): return endReplies(on: stream, with: end)
      case .end(let end) where stream.output.isEmpty: return endReplies(on: stream, with: end)
      default: break
      }
    }
    nghttp2_session_resume_data(http2, stream.id)
  }

  /// Ends a stream of replies without asking for room, which an end does not need.
  func endReplies(on stream: GRPCStream, with end: GRPCStream.End) {
    streamed.remove(stream.output.count)
    stream.output.consume(stream.output.count)
    submitEnd(stream, end)
  }

  func reply(_ result: Result<Reply, CallError>, on stream: GRPCStream) {
    do throws(CallError) {
      try GRPCEnvelope.append(try result.get(), to: &stream.output, in: parts.arena)
      send(stream)
    } catch {
      fail(stream, error)
    }
  }

  /// Sends what is in the stream's output, and that all is well.
  func send(_ stream: GRPCStream) {
    buffered += stream.output.count
    controlFrames.refill()
    stream.end = .ok
    stream.phase = .replying
    submit(stream)
  }

  func submit(_ stream: GRPCStream) {
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    provider.read_callback = { _, _, _, count, flags, source, user in
      guard let user, let flags, let pointer = source?.pointee.ptr else {
        return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
      }
      return Unmanaged<GRPCSession>.fromOpaque(user)._withUnsafeGuaranteedRef { session in
        Unmanaged<GRPCStream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
          session.offer(from: $0, upTo: count, &flags.pointee)
        }
      }
    }
    let fields = HeaderFields.reply
    if nghttp2_submit_response(http2, stream.id, fields.baseAddress, fields.count, &provider) != 0 { isBroken = true }
  }

  /// Says how much of a reply there is for nghttp2, which asks as the peer's windows allow, and has it put out at once by
  /// ``write(_:of:after:)``.
  func offer(from stream: GRPCStream, upTo limit: Int, _ flags: inout UInt32) -> Int {
    if let replies = stream.replies {
      // The end is on its way already.
      guard stream.phase == .streaming else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
      if stream.output.isEmpty, stream.end == nil { takeReply(of: stream, from: replies) }
    }
    let count = min(limit, stream.output.count)
    if count > 0 { flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
    guard stream.output.count == count else { return count }
    guard let end = stream.end else { return count > 0 ? count : Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    flags |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    submitEnd(stream, end)
    return count
  }

  func takeReply(of stream: GRPCStream, from replies: ReplyStream) {
    switch replies.take() {
    case .message(let message):
      message.bytes.withUnsafeBytes { stream.output.append($0) }
      // Clients measure the way by a PING for the messages that come.
      controlFrames.refill()
    case .end(let end), .abruptEnd(let end): stream.end = end
    case .nothing: break
    }
  }

  func submitEnd(_ stream: GRPCStream, _ end: GRPCStream.End) {
    stream.phase = .replying
    stream.deadline = .never
    switch end {
    case .ok: submitTrailer(stream, HeaderFields.ok)
    case .failure(let error):
      HeaderFields.withStatus(error, isAlone: false, in: parts.arena) { submitTrailer(stream, $0) }
    }
  }

  func submitTrailer(_ stream: GRPCStream, _ fields: HeaderFields.List) {
    if nghttp2_submit_trailer(http2, stream.id, fields.baseAddress, fields.count) != 0 { isBroken = true }
  }

  /// Answers with a status and nothing else.
  func fail(_ stream: GRPCStream, _ error: CallError) {
    defer { parts.arena.reset() }
    stream.phase = .replying
    stream.deadline = .never
    HeaderFields.withStatus(error, isAlone: true, in: parts.arena) { submitResponse(stream, $0) }
  }

  func answer(_ stream: GRPCStream, _ status: HTTPStatus) {
    stream.phase = .replying
    stream.deadline = .never
    HeaderFields.withHTTPStatus(status) { submitResponse(stream, $0) }
  }

  func submitResponse(_ stream: GRPCStream, _ fields: HeaderFields.List) {
    if nghttp2_submit_response(http2, stream.id, fields.baseAddress, fields.count, nil) != 0 { isBroken = true }
  }

  func reset(_ stream: GRPCStream, _ code: nghttp2_error_code) {
    guard stream.phase != .reset else { return }
    stream.phase = .reset
    stream.deadline = .never
    nghttp2_submit_rst_stream(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
  }
}
