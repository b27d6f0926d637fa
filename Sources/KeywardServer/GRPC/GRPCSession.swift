import CNghttp2
import KeywardCore
import KeywardWire

/// What a connection's gRPC has come to: bytes of HTTP/2 in, calls to the handlers, replies out.
///
/// nghttp2 knows the frames, the header tables and the windows; this knows calls. proto/PROTOCOL.md lists what it
/// answers to what.
///
/// Concurrency: confined to its reactor's thread. nghttp2 calls back from within ``receive(_:at:)`` and
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
    let plain: PlainStreams
    let limits: Limits
    let clock: Clock
    let budget: FrameBudget
    let library: HTTP2Library
    let pool: GRPCStreamPool
  }

  let parts: Parts
  /// nghttp2's; made once this is, for which it is nil in the meantime.
  var http2: OpaquePointer?
  var open: [GRPCStream] = []
  var nextSerial: UInt64 = 0
  /// The stream whose fields or data came last, while it is open, and its id. Each field asks for it, so that it is not
  /// counted as a reference.
  private(set) var current: Unmanaged<GRPCStream>?
  private(set) var currentID: Int32 = 0
  /// What has come of the current stream's data and still lies in the read buffer.
  var chunk = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The instant of the bytes that are being read.
  var now = Instant(microseconds: 0)
  var arrival: UInt64 = 0
  /// Streams whose requests are whole and wait for calls before them, the first first.
  var queue: [(id: Int32, serial: UInt64)] = []
  var largeCount = 0
  /// Streams whose messages wait for replies to be taken.
  var heldCount = 0
  /// Bytes of requests that are kept, and what of ``FrameBudget`` they hold.
  var kept = 0
  var claimed = 0
  /// Bytes of replies that the peer's windows have not let go.
  var buffered = 0
  var callCount = 0
  /// The peer's SETTINGS have come, and with them the handshake is over.
  var isGreeted = false
  /// No stream and no rule of the connection has an earlier deadline.
  var nextDeadline = Deadline.never
  var isBroken = false
  var timers: GRPCTimers
  var controlFrames: TokenBucket
  var provokedResets: TokenBucket
  /// Of the streams of replies.
  let streamed: StreamedBytes
  /// Where messages are put as frames are gathered.
  var sink: UnsafeMutablePointer<Outbox>?
  var isEnding = false
  var isRefusing = false

  /// What the PING carries that asks whether the peer has heard of the end.
  static let endMark = Array("the end.".utf8)

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
        value: UInt32(parts.caller.streams(parts.limits))),
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
  var isIdle: Bool { !open.contains { $0.phase == .waiting || $0.phase == .queued } }

  /// Whether nothing more can come of the session.
  var isOver: Bool {
    isBroken || nghttp2_session_want_read(http2) == 0 && nghttp2_session_want_write(http2) == 0
  }

  /// Takes bytes in.
  /// - Returns: whether the connection makes sense so far.
  func receive(_ bytes: UnsafeRawBufferPointer, at now: Instant) -> Bool {
    self.now = now
    arrival = parts.clock.monotonicNanoseconds()
    timers.noteInput()
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let count = nghttp2_session_mem_recv(http2, start, bytes.count)
    keepChunk()
    answerPlain()
    if count < 0 { isBroken = true }
    return !isBroken
  }

  /// Appends what is to go out, as long as there is less than so much.
  func produce(into output: inout Outbox) {
    let limit = parts.caller.unsentOutput(parts.limits)
    repeat {
      withUnsafeMutablePointer(to: &output) { output in
        sink = output
        defer { sink = nil }
        gatherFrames(into: output, limit)
      }
    } while startQueued()
    takeHeld()
    // Where the socket takes no more, the windows are not to blame.
    let isWaiting = buffered > 0 && output.bytes.count < limit
    timers.watchReplies(isWaiting, at: parts.clock.monotonicNanoseconds())
    nextDeadline = min(nextDeadline, timers.next)
  }

  private func gatherFrames(into output: UnsafeMutablePointer<Outbox>, _ limit: Int) {
    while output.pointee.bytes.count < limit {
      var data: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(http2, &data)
      guard count > 0 else {
        if count < 0 { isBroken = true }
        return
      }
      output.pointee.bytes.append(UnsafeRawBufferPointer(start: data, count: count))
    }
  }

  /// Puts out the reply of a call that waited, unless the call is over already.
  func finish(_ address: ReplyAddress, with result: Result<Reply, CallError>) {
    guard let stream = stream(Int32(bitPattern: address.stream)), stream.serial == address.serial,
      stream.phase == .waiting
    else { return }
    reply(result, on: stream)
    parts.arena.reset()
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
  func refuseMore() {
    guard !isRefusing else { return }
    isRefusing = true
    nghttp2_submit_goaway(
      http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(http2),
      NGHTTP2_NO_ERROR.rawValue,
      nil, 0)
    for stream in open {
      stream.replies?.finish(.ending)
      if stream.isAnswered { reset(stream, NGHTTP2_NO_ERROR) }
    }
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
      case .replying where stream.refusal != nil: giveRefusal(stream)
      case .replying, .reset: reset(stream, stream.isAnswered ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL)
      case .streaming:
        stream.deadline = .never
        stream.replies?.finish(.tooLate, droppingRest: true)
      }
    }
    nextDeadline = min(timers.next, open.lazy.map(\.deadline).min() ?? .never)
  }

  /// Gives back what the session holds of the reactor's.
  func close() {
    forgetCurrent()
    for stream in open { release(stream) }
    open.removeAll()
  }

  // MARK: - Streams

  func stream(_ id: Int32) -> GRPCStream? {
    if id == currentID, let current { return current.takeUnretainedValue() }
    guard let user = nghttp2_session_get_stream_user_data(http2, id) else { return nil }
    return Unmanaged<GRPCStream>.fromOpaque(user).takeUnretainedValue()
  }

  func makeCurrent(_ stream: GRPCStream) {
    current = Unmanaged.passUnretained(stream)
    currentID = stream.id
  }

  func forgetCurrent() {
    current = nil
    currentID = 0
  }

  func release(_ stream: GRPCStream) {
    if stream.replies == nil { buffered -= stream.output.count } else { streamed.remove(stream.output.count) }
    if stream.isLarge { largeCount -= 1 }
    letGo(stream)
    consumeInput(stream, stream.input.count)
    parts.pool.put(stream)
  }
}
