import CNghttp2

/// What nghttp2 is told once for all sessions of a reactor: which functions to call, and its options.
///
/// Concurrency: confined to its reactor's thread.
final class HTTP2Library {
  /// Bytes before every frame.
  static let headerByteCount = 9

  private let callbacks: OpaquePointer
  private let options: OpaquePointer
  private let memory = HTTP2Memory()

  /// - Returns: nil where there is no memory.
  init?(_ limits: Limits) {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks else { return nil }
    guard nghttp2_option_new(&options) == 0, let options else {
      nghttp2_session_callbacks_del(callbacks)
      return nil
    }
    self.callbacks = callbacks
    self.options = options
    // Authorities of Unix sockets are not as HTTP has them; ``RequestHead`` checks the rest.
    nghttp2_option_set_no_http_messaging(options, 1)
    // Streams that are over are of no use to us.
    nghttp2_option_set_no_closed_streams(options, 1)
    nghttp2_option_set_stream_reset_rate_limit(
      options, UInt64(limits.resetsPerSecond * Limits.burstSeconds), UInt64(limits.resetsPerSecond))
    register()
  }

  deinit {
    nghttp2_option_del(options)
    nghttp2_session_callbacks_del(callbacks)
  }

  /// A server's session that calls this one back, which must outlive it.
  /// - Returns: nil where there is no memory.
  func makeSession(for session: GRPCSession) -> OpaquePointer? {
    var made: OpaquePointer?
    var functions = memory.functions()
    let status = nghttp2_session_server_new3(
      &made, callbacks, Unmanaged.passUnretained(session).toOpaque(), options, &functions)
    return status == 0 ? made : nil
  }

  private func register() {
    nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, _, header, count, source, user in
      guard let header, let pointer = source?.pointee.ptr else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
      return session(user) { session in
        Unmanaged<GRPCStream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
          session.write(
            count, of: $0, after: UnsafeRawBufferPointer(start: header, count: HTTP2Library.headerByteCount))
        }
      }
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
      guard let frame else { return 0 }
      return session(user) { $0.beginHeaders(header(frame)) }
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, user in
      guard let frame else { return 0 }
      return session(user) {
        $0.take(
          UnsafeRawBufferPointer(start: name, count: nameCount),
          UnsafeRawBufferPointer(start: value, count: valueCount),
          of: header(frame).stream_id)
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, user in
      session(user) {
        $0.take(UnsafeRawBufferPointer(start: bytes, count: count), on: stream)
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
      guard let frame else { return 0 }
      return session(user) {
        $0.received(header(frame), padding: frame.pointee.data.padlen) {
          withUnsafeBytes(of: frame.pointee.ping.opaque_data) { Array($0) }
        }
      }
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
      guard let frame else { return 0 }
      return session(user) {
        $0.sent(header(frame), code: frame.pointee.rst_stream.error_code)
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, _, user in
      session(user) {
        $0.closed(stream)
        return 0
      }
    }
  }
}

/// Every kind of frame begins with it.
private func header(_ frame: UnsafePointer<nghttp2_frame>) -> nghttp2_frame_hd {
  UnsafeRawPointer(frame).assumingMemoryBound(to: nghttp2_frame_hd.self).pointee
}

private func session(_ user: UnsafeMutableRawPointer?, _ body: (GRPCSession) -> Int32) -> Int32 {
  guard let user else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
  return Unmanaged<GRPCSession>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
}
