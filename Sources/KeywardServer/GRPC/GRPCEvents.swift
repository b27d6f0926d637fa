import CNghttp2
import KeywardCore
import KeywardWire

/// What nghttp2 tells of the frames that come and go.
extension GRPCSession {
  func beginHeaders(_ frame: nghttp2_frame_hd) -> Int32 {
    keepChunk()
    // Fields after the messages belong to a stream that is here.
    if let stream = stream(frame.stream_id) {
      makeCurrent(stream)
      return 0
    }
    timers.noteCall()
    let stream = parts.pool.take()
    stream.id = frame.stream_id
    stream.serial = nextSerial
    nextSerial += 1
    stream.index = open.count
    stream.deadline = Deadline(from: arrival, seconds: parts.limits.frameSeconds)
    open.append(stream)
    nextDeadline = min(nextDeadline, stream.deadline)
    makeCurrent(stream)
    return nghttp2_session_set_stream_user_data(http2, frame.stream_id, Unmanaged.passUnretained(stream).toOpaque())
  }

  func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of id: Int32) {
    // Its headers have begun, which made it current.
    guard id == currentID, let current else { return }
    current._withUnsafeGuaranteedRef { stream in
      guard stream.takesData else { return }
      if !stream.isHeadWhole {
        stream.head.take(name, value, parts.limits)
      } else if !RequestHead.isAllowedTrailer(name, value) {
        reset(stream, NGHTTP2_PROTOCOL_ERROR)
      }
    }
  }

  func take(_ bytes: UnsafeRawBufferPointer, on id: Int32) {
    keepChunk()
    guard let stream = stream(id), stream.takesData else { return }
    makeCurrent(stream)
    // Most requests lie in one frame, and are then read where they are.
    if stream.input.isEmpty { chunk = bytes } else { keep(bytes, of: stream) }
  }

  /// - Parameter padding: bytes of a DATA frame that are none of its message's.
  func received(_ frame: nghttp2_frame_hd, padding: Int, opaque: (() -> [UInt8])) -> Int32 {
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
      if frame.endsStream, !isContradicted(stream, frame) { end(stream) }
    case Int(NGHTTP2_DATA.rawValue):
      guard let stream = stream(frame.stream_id) else { return 0 }
      stream.byteCount += frame.length - padding
      if isContradicted(stream, frame) { return 0 }
      if stream.takesData { takeData(of: stream) } else { drop(frame.length, of: stream) }
      if frame.endsStream { end(stream) } else if frame.length == padding { noteControlFrame() }
    case Int(NGHTTP2_SETTINGS.rawValue) where !frame.isAck:
      isGreeted = true
      noteControlFrame()
    case Int(NGHTTP2_PING.rawValue):
      if !frame.isAck { noteControlFrame() } else if isEnding, opaque() == Self.endMark { refuseMore() }
    default: break
    }
    return 0
  }

  /// Resets a stream whose bytes are not as many as its head says.
  private func isContradicted(_ stream: GRPCStream, _ frame: nghttp2_frame_hd) -> Bool {
    guard stream.takesData, stream.head.isContradicted(by: stream.byteCount, isOver: frame.endsStream) else {
      return false
    }
    reset(stream, NGHTTP2_PROTOCOL_ERROR)
    return true
  }

  func noteControlFrame() {
    if !controlFrames.take(at: parts.clock.monotonicNanoseconds()) { calm() }
  }

  /// Ends a connection whose peer has the server work for nothing.
  func calm() {
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
    // Clients forget an answer when a reset comes before they have sent all, so the peer is given time for that; and some
    // send nothing more and wait for the reset.
    stream.isAnswered = true
    consumeInput(stream, stream.input.count)
    if stream.input.capacity > 0 { stream.input.releaseMemory() }
    stream.callDeadline = Deadline(from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.frameSeconds)
    awaitRest(of: stream)
    if isRefusing || stream.droppedCount > parts.limits.messageBytes { reset(stream, NGHTTP2_NO_ERROR) }
  }

  /// Counts what the peer sends of a request that is not wanted any more.
  private func drop(_ count: Int, of stream: GRPCStream) {
    stream.droppedCount += count
    guard stream.isAnswered || stream.refusal != nil, stream.phase != .reset else { return }
    awaitRest(of: stream)
    guard stream.droppedCount > parts.limits.messageBytes else { return }
    if stream.isAnswered { reset(stream, NGHTTP2_NO_ERROR) } else { giveRefusal(stream) }
  }

  /// Gives a peer whose call is refused time for the next piece of its request.
  func awaitRest(of stream: GRPCStream) {
    let pause = Deadline(from: parts.clock.monotonicNanoseconds(), seconds: parts.limits.lingerSeconds)
    stream.deadline = min(stream.callDeadline, pause)
    nextDeadline = min(nextDeadline, stream.deadline)
  }

  /// Puts a DATA frame out, without a copy of the message that nobody would wipe.
  func write(_ count: Int, of stream: GRPCStream, after header: UnsafeRawBufferPointer) -> Int32 {
    guard let sink else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
    sink.pointee.bytes.append(header)
    sink.pointee.bytes.append(UnsafeRawBufferPointer(rebasing: stream.output.bytes[..<count]))
    stream.output.consume(count)
    if stream.replies == nil {
      buffered -= count
      timers.noteTaken()
    } else {
      streamed.remove(count)
    }
    return 0
  }

  func closed(_ id: Int32) {
    guard let stream = stream(id) else { return }
    if id == currentID { forgetCurrent() }
    nghttp2_session_set_stream_user_data(http2, id, nil)
    let last = open.removeLast()
    if last !== stream {
      open[stream.index] = last
      last.index = stream.index
    }
    // Calls that were answered in time call for nothing.
    if open.isEmpty { nextDeadline = timers.next }
    release(stream)
  }
}

extension nghttp2_frame_hd {
  fileprivate var isAck: Bool { UInt32(flags) & NGHTTP2_FLAG_ACK.rawValue != 0 }
  fileprivate var endsStream: Bool { UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 }
}
