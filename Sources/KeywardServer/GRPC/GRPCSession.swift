import CNghttp2
import KeywardCore
import KeywardWire

/// What a connection's gRPC has come to: bytes of HTTP/2 in, calls to the handlers, replies out.
///
/// nghttp2 knows the frames, the header tables and the windows; this knows calls. proto/PROTOCOL.md lists what it
/// answers to what.
///
/// Concurrency: confined to its reactor's queue. nghttp2 calls back from within ``receive(_:at:)`` and
/// ``produce(into:)``.
final class GRPCSession {
  /// What the session works with.
  struct Parts {
    let caller: Caller
    let connection: ConnectionID
    let mailbox: Mailbox
    let handlers: Handlers
    let health: Health
    let arena: Arena
    let limits: Limits
    let clock: Clock
    let budget: FrameBudget
    let library: HTTP2Library
    let pool: GRPCStreamPool
  }

  private let parts: Parts
  /// nghttp2's; made once this is, for which it is nil in the meantime.
  private var http2: OpaquePointer?
  private var open: [GRPCStream] = []
  private var nextSerial: UInt64 = 0
  /// The stream whose fields or data came last.
  private var current: GRPCStream?
  /// What has come of the current stream's data and still lies in the read buffer.
  private var chunk = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The instant of the bytes that are being read.
  private var now = Instant(microseconds: 0)
  /// Streams whose requests are whole and wait for calls before them, the first first.
  private var queue: [(id: Int32, serial: UInt64)] = []
  private var largeCount = 0
  /// Bytes of replies that the peer's windows have not let go.
  private var buffered = 0
  private(set) var callCount = 0
  /// The peer's SETTINGS have come, and with them the handshake is over.
  private(set) var isGreeted = false
  /// No stream and no rule of the connection has an earlier deadline.
  private(set) var nextDeadline = Deadline.never
  private var isBroken = false
  private var timers: GRPCTimers
  private var controlFrames: TokenBucket
  private var provokedResets: TokenBucket
  /// Of the streams of replies.
  private let streamed: StreamedBytes
  private var isEnding = false
  private var isRefusing = false

  /// What the PING carries that asks whether the peer has heard of the end.
  private static let endMark = Array("the end.".utf8)

  /// - Returns: nil where there is no memory.
  init?(_ parts: Parts) {
    self.parts = parts
    let limits = parts.limits
    timers = GRPCTimers(limits, at: parts.clock.monotonicNanoseconds())
    controlFrames = TokenBucket(
      perSecond: limits.controlFramesPerSecond, burst: limits.controlFramesPerSecond * Limits.burstSeconds)
    provokedResets = TokenBucket(
      perSecond: limits.resetsPerSecond, burst: limits.resetsPerSecond * Limits.burstSeconds)
    streamed = StreamedBytes(limit: limits.streamedBytesPerConnection)
    guard let http2 = parts.library.makeSession(for: self) else { return nil }
    self.http2 = http2
    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
        value: UInt32(parts.limits.streamsPerConnection)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(parts.limits.headerBytes)),
      // No trees of priorities: nothing here would go by them.
      nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
    ]
    guard nghttp2_submit_settings(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count) == 0 else {
      return nil
    }
    nextDeadline = timers.next
  }

  deinit {
    nghttp2_session_del(http2)
  }

  /// Whether no call is being carried out: what is left waits for the peer.
  var isIdle: Bool { !open.contains { $0.phase == .waiting } }

  /// Whether nothing more can come of the session.
  var isOver: Bool {
    isBroken || nghttp2_session_want_read(http2) == 0 && nghttp2_session_want_write(http2) == 0
  }

  /// Takes bytes in.
  /// - Returns: whether the connection makes sense so far.
  func receive(_ bytes: UnsafeRawBufferPointer, at now: Instant) -> Bool {
    self.now = now
    timers.noteInput()
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let count = nghttp2_session_mem_recv(http2, start, bytes.count)
    keepChunk()
    if count < 0 { isBroken = true }
    return !isBroken
  }

  /// Appends what is to go out, as long as there is less than so much.
  func produce(into output: inout Outbox) {
    let limit = parts.caller.unsentOutput(parts.limits)
    repeat {
      while output.bytes.count < limit {
        var data: UnsafePointer<UInt8>?
        let count = nghttp2_session_mem_send(http2, &data)
        guard count > 0 else {
          if count < 0 { isBroken = true }
          break
        }
        output.bytes.append(UnsafeRawBufferPointer(start: data, count: count))
      }
    } while startQueued()
    // Where the socket takes no more, the windows are not to blame.
    let isWaiting = buffered > 0 && output.bytes.count < limit
    timers.watchReplies(isWaiting, at: parts.clock.monotonicNanoseconds())
    nextDeadline = min(nextDeadline, timers.next)
  }

  /// Puts out the reply of a call that waited, unless the call is over already.
  func finish(_ address: ReplyAddress, with result: Result<Reply, CallError>) {
    guard let stream = stream(Int32(bitPattern: address.stream)), stream.serial == address.serial,
      stream.phase == .waiting
    else { return }
    reply(result, on: stream)
    parts.arena.reset()
  }

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
  private func endReplies(on stream: GRPCStream, with end: GRPCStream.End) {
    stream.output.consume(stream.output.count)
    stream.phase = .replying
    stream.deadline = .never
    submitEnd(stream, end)
  }

  /// Tells the peer that the connection is to end, and ends it when the calls are over that had come when the peer knew.
  func end() {
    guard !isEnding else { return }
    isEnding = true
    nghttp2_submit_shutdown_notice(http2)
    // What the peer sends before it has heard of the end comes before its answer.
    nghttp2_submit_ping(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), Self.endMark)
    timers.beginEnd(at: parts.clock.monotonicNanoseconds())
    nextDeadline = min(nextDeadline, timers.next)
  }

  /// Takes no more calls. Streams of replies have no end of their own, so they end here.
  private func refuseMore() {
    guard !isRefusing else { return }
    isRefusing = true
    nghttp2_submit_goaway(
      http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(http2),
      NGHTTP2_NO_ERROR.rawValue,
      nil, 0)
    for stream in open { stream.replies?.finish(.ending) }
  }

  /// Answers the calls whose deadline has passed, and looks after the connection.
  func expire(at now: UInt64) {
    for due in timers.due(at: now, hasCalls: !open.isEmpty) {
      switch due {
      case .ping: nghttp2_submit_ping(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
      case .silence, .stall: isBroken = true
      case .idleness: end()
      case .end: refuseMore()
      }
    }
    for stream in open where stream.deadline.hasPassed(at: now) {
      switch stream.phase {
      case .receiving where !stream.isHeadWhole: isBroken = true
      case .receiving, .queued, .waiting: fail(stream, .tooLate)
      case .replying, .reset: reset(stream, NGHTTP2_CANCEL)
      case .streaming:
        stream.deadline = .never
        stream.replies?.finish(.tooLate, droppingRest: true)
      }
    }
    nextDeadline = min(timers.next, open.lazy.map(\.deadline).min() ?? .never)
  }

  /// Gives back what the session holds of the reactor's.
  func close() {
    for stream in open { release(stream) }
    open.removeAll()
  }

  // MARK: - What nghttp2 tells

  func beginHeaders(_ frame: nghttp2_frame_hd) -> Int32 {
    keepChunk()
    // Fields after the messages belong to a stream that is here.
    if let stream = stream(frame.stream_id) {
      current = stream
      return 0
    }
    timers.noteCall()
    let stream = parts.pool.take()
    stream.id = frame.stream_id
    stream.serial = nextSerial
    nextSerial += 1
    stream.index = open.count
    stream.deadline = Deadline(from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.frameSeconds)
    open.append(stream)
    nextDeadline = min(nextDeadline, stream.deadline)
    current = stream
    return nghttp2_session_set_stream_user_data(http2, frame.stream_id, Unmanaged.passUnretained(stream).toOpaque())
  }

  func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of id: Int32) {
    guard let stream = stream(id), stream.phase == .receiving else { return }
    if !stream.isHeadWhole {
      stream.head.take(name, value, parts.limits)
    } else if !RequestHead.isAllowedTrailer(name, value) {
      reset(stream, NGHTTP2_PROTOCOL_ERROR)
    }
  }

  func take(_ bytes: UnsafeRawBufferPointer, on id: Int32) {
    keepChunk()
    guard let stream = stream(id), stream.takesData else { return }
    current = stream
    // Most requests lie in one frame, and are then read where they are.
    if stream.input.isEmpty { chunk = bytes } else { keep(bytes, of: stream) }
  }

  func received(_ frame: nghttp2_frame_hd, opaque: (() -> [UInt8])) -> Int32 {
    switch Int(frame.type) {
    case Int(NGHTTP2_HEADERS.rawValue):
      guard let stream = stream(frame.stream_id) else { return 0 }
      if !stream.isHeadWhole {
        stream.isHeadWhole = true
        takeHead(of: stream)
      } else if !frame.endsStream {
        // Fields after the messages end the request.
        reset(stream, NGHTTP2_PROTOCOL_ERROR)
      }
      if frame.endsStream { end(stream) }
    case Int(NGHTTP2_DATA.rawValue):
      guard let stream = stream(frame.stream_id) else { return 0 }
      takeData(of: stream)
      if frame.endsStream { end(stream) } else if frame.length == 0 { noteControlFrame() }
    case Int(NGHTTP2_SETTINGS.rawValue) where !frame.isAck:
      isGreeted = true
      noteControlFrame()
    case Int(NGHTTP2_PING.rawValue):
      if !frame.isAck { noteControlFrame() } else if isEnding, opaque() == Self.endMark { refuseMore() }
    default: break
    }
    return 0
  }

  private func noteControlFrame() {
    if !controlFrames.take(at: parts.clock.monotonicNanoseconds()) { calm() }
  }

  /// Ends a connection whose peer has the server work for nothing.
  private func calm() {
    nghttp2_session_terminate_session(http2, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
  }

  func sent(_ frame: nghttp2_frame_hd, code: UInt32) {
    if Int(frame.type) == Int(NGHTTP2_RST_STREAM.rawValue), code != NGHTTP2_NO_ERROR.rawValue,
      !provokedResets.take(at: parts.clock.monotonicNanoseconds())
    {
      calm()
    }
    guard Int(frame.type) == Int(NGHTTP2_HEADERS.rawValue), frame.endsStream, let stream = stream(frame.stream_id),
      !stream.hasEnded, stream.phase == .replying
    else { return }
    // The whole answer is out, and what the peer still sends is of no use. Sent earlier, this would take the answer away.
    nghttp2_submit_rst_stream(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), frame.stream_id, NGHTTP2_NO_ERROR.rawValue)
  }

  func closed(_ id: Int32) {
    guard let stream = stream(id) else { return }
    if current === stream { current = nil }
    nghttp2_session_set_stream_user_data(http2, id, nil)
    let last = open.removeLast()
    if last !== stream {
      open[stream.index] = last
      last.index = stream.index
    }
    release(stream)
  }

  private func stream(_ id: Int32) -> GRPCStream? {
    if let current, current.id == id { return current }
    guard let user = nghttp2_session_get_stream_user_data(http2, id) else { return nil }
    return Unmanaged<GRPCStream>.fromOpaque(user).takeUnretainedValue()
  }

  private func release(_ stream: GRPCStream) {
    if stream.replies == nil { buffered -= stream.output.count }
    if stream.isLarge { largeCount -= 1 }
    parts.budget.release(stream.claimed)
    stream.claimed = 0
    parts.pool.put(stream)
  }

  // MARK: - Requests

  private func takeHead(of stream: GRPCStream) {
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
  private func takeData(of stream: GRPCStream) {
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
  private func takeStreamed(of stream: GRPCStream) {
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
  private func end(_ stream: GRPCStream) {
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

  private func message(of stream: GRPCStream) -> UnsafeRawBufferPointer {
    current === stream && !chunk.isEmpty ? chunk : stream.input.bytes
  }

  /// Copies what must outlive the read buffer.
  private func keepChunk() {
    guard !chunk.isEmpty else { return }
    let bytes = chunk
    chunk = UnsafeRawBufferPointer(start: nil, count: 0)
    if let current, current.takesData { keep(bytes, of: current) }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, of stream: GRPCStream) {
    let more = stream.input.count + bytes.count - parts.limits.smallFrame - stream.claimed
    if more > 0 {
      guard !parts.caller.rights.isEmpty else { return fail(stream, .tooLongWithoutRights) }
      guard parts.budget.claim(more) else { return fail(stream, .memoryIsShort) }
      stream.claimed += more
    }
    stream.input.append(bytes)
  }

  // MARK: - Calls

  private func canStart(_ stream: GRPCStream) -> Bool {
    guard buffered < parts.caller.unsentOutput(parts.limits) else { return false }
    return stream.head.route?.isLarge != true || largeCount < parts.limits.largeCallsInFlight
  }

  /// - Returns: whether a call has begun that waited for others.
  private func startQueued() -> Bool {
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
    return hasBegun
  }

  private func start(_ stream: GRPCStream) {
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

  private func call(_ method: Method, _ message: UnsafeRawBufferPointer, on stream: GRPCStream) throws(CallError) {
    let request: Request
    if case .validateKey = method {
      let question = try GRPCEnvelope.question(message, in: parts.arena)
      if let validation = try parts.handlers.validateAtOnce(
        question, of: parts.caller, at: now, name: parts.arena.nameRoom)
      {
        guard !isLate(stream) else { throw .tooLate }
        try GRPCEnvelope.append(validation, to: &stream.output, in: parts.arena)
        send(stream)
        return
      }
      request = .validateKey(question)
    } else {
      request = try GRPCEnvelope.request(method, message, in: parts.arena)
    }
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

  private func address(of stream: GRPCStream) -> ReplyAddress {
    ReplyAddress(
      mailbox: parts.mailbox, connection: parts.connection, stream: UInt32(bitPattern: stream.id), serial: stream.serial
    )
  }

  /// Has the call answered with whatever is sent on what this returns, until that is ended.
  @discardableResult
  private func beginReplies(on stream: GRPCStream) -> ReplyStream {
    let replies = ReplyStream(to: address(of: stream), limit: parts.limits.streamedBytes, of: streamed)
    stream.replies = replies
    stream.phase = .streaming
    stream.deadline = stream.callDeadline
    submit(stream)
    return replies
  }

  private func isLate(_ stream: GRPCStream) -> Bool {
    stream.callDeadline != .never && stream.callDeadline.hasPassed(at: parts.clock.monotonicNanoseconds())
  }

  // MARK: - Replies

  private func reply(_ result: Result<Reply, CallError>, on stream: GRPCStream) {
    do throws(CallError) {
      try GRPCEnvelope.append(try result.get(), to: &stream.output, in: parts.arena)
      send(stream)
    } catch {
      fail(stream, error)
    }
  }

  /// Sends what is in the stream's output, and that all is well.
  private func send(_ stream: GRPCStream) {
    buffered += stream.output.count
    controlFrames.refill()
    stream.end = .ok
    stream.phase = .replying
    submit(stream)
  }

  private func submit(_ stream: GRPCStream) {
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    provider.read_callback = { _, _, buffer, count, flags, source, user in
      guard let user, let buffer, let flags, let pointer = source?.pointee.ptr else {
        return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
      }
      let room = UnsafeMutableRawBufferPointer(start: buffer, count: count)
      return Unmanaged<GRPCSession>.fromOpaque(user)._withUnsafeGuaranteedRef { session in
        Unmanaged<GRPCStream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
          session.read(from: $0, into: room, &flags.pointee)
        }
      }
    }
    let fields = HeaderFields.reply
    if nghttp2_submit_response(http2, stream.id, fields.baseAddress, fields.count, &provider) != 0 { isBroken = true }
  }

  /// Hands bytes of a reply to nghttp2, which asks as the peer's windows allow.
  private func read(
    from stream: GRPCStream, into room: UnsafeMutableRawBufferPointer, _ flags: inout UInt32
  ) -> Int {
    if let replies = stream.replies {
      // The end is on its way already.
      guard stream.phase == .streaming else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
      if stream.output.isEmpty, stream.end == nil { takeReply(of: stream, from: replies) }
    }
    let count = min(room.count, stream.output.count)
    room.copyMemory(from: UnsafeRawBufferPointer(rebasing: stream.output.bytes[..<count]))
    stream.output.consume(count)
    if stream.replies == nil {
      buffered -= count
      timers.noteTaken()
    }
    guard stream.output.isEmpty else { return count }
    guard let end = stream.end else { return count > 0 ? count : Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    flags |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    submitEnd(stream, end)
    return count
  }

  private func takeReply(of stream: GRPCStream, from replies: ReplyStream) {
    switch replies.take() {
    case .message(let message): message.bytes.withUnsafeBytes { stream.output.append($0) }
    case .end(let end), .abruptEnd(let end): stream.end = end
    case .nothing: break
    }
  }

  private func submitEnd(_ stream: GRPCStream, _ end: GRPCStream.End) {
    switch end {
    case .ok: submitTrailer(stream, HeaderFields.ok)
    case .failure(let error): HeaderFields.withStatus(error, isAlone: false) { submitTrailer(stream, $0) }
    }
  }

  private func submitTrailer(_ stream: GRPCStream, _ fields: HeaderFields.List) {
    if nghttp2_submit_trailer(http2, stream.id, fields.baseAddress, fields.count) != 0 { isBroken = true }
  }

  /// Answers with a status and nothing else.
  private func fail(_ stream: GRPCStream, _ error: CallError) {
    stream.phase = .replying
    stream.deadline = .never
    HeaderFields.withStatus(error, isAlone: true) { submitResponse(stream, $0) }
  }

  private func answer(_ stream: GRPCStream, _ status: HTTPStatus) {
    stream.phase = .replying
    stream.deadline = .never
    HeaderFields.withHTTPStatus(status) { submitResponse(stream, $0) }
  }

  private func submitResponse(_ stream: GRPCStream, _ fields: HeaderFields.List) {
    if nghttp2_submit_response(http2, stream.id, fields.baseAddress, fields.count, nil) != 0 { isBroken = true }
  }

  private func reset(_ stream: GRPCStream, _ code: nghttp2_error_code) {
    guard stream.phase != .reset else { return }
    stream.phase = .reset
    stream.deadline = .never
    nghttp2_submit_rst_stream(http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
  }
}

extension GRPCStream {
  /// Whether what comes of messages is wanted.
  fileprivate var takesData: Bool {
    phase == .receiving || phase == .streaming && head.route?.takesStream == true && !hasEnded
  }
}

extension GRPCPrefix {
  fileprivate func checkFlag() throws(CallError) {
    guard flag == 0 else { throw flag == 1 ? .compressedWithoutEncoding : .flagUnknown(flag) }
  }
}

extension nghttp2_frame_hd {
  fileprivate var isAck: Bool { UInt32(flags) & NGHTTP2_FLAG_ACK.rawValue != 0 }
  fileprivate var endsStream: Bool { UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 }
}

extension CallError {
  fileprivate static let noMessage = CallError(.unimplemented, "the request has no message: send one")
  fileprivate static let moreThanOneMessage = CallError(
    .unimplemented, "the request has more than one message: send one")
  fileprivate static let truncated = CallError(
    .invalidArgument, "the request ends in the middle of a message: send as many bytes as its length says")
  fileprivate static let compressedWithoutEncoding = CallError(
    .internal, "the message is marked as compressed, and grpc-encoding does not say how")
  fileprivate static let tooLongWithoutRights = CallError(
    .permissionDenied, "a request this long needs a right, and this user has been granted none")

  fileprivate static let repliesNotTaken = CallError(
    .resourceExhausted, "too many answers wait to be taken: take them before you ask for more")
  fileprivate static let ending = CallError(.unavailable, "the daemon ends this connection: connect anew")

  fileprivate static func flagUnknown(_ flag: UInt8) -> CallError {
    CallError(.invalidArgument, "the message begins with \(flag): 0 is a plain one, 1 a compressed one")
  }

  fileprivate static func messageTooLong(_ limit: Int) -> CallError {
    CallError(.resourceExhausted, "the message is longer than \(limit) bytes: send less at once")
  }

  fileprivate static func unknown(path: String) -> CallError {
    CallError(.unimplemented, "\(path) is not a method of this daemon")
  }
}
