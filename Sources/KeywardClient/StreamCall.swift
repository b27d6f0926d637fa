import CNghttp2Archive
import Glibc
import KeywardCore
import KeywardWire
import UnixSocket

/// One call over gRPC that is answered with any number of messages, on a connection of its own.
///
/// nghttp2 knows the frames and the windows, and answers the daemon's PINGs while somebody waits for the next reply.
///
/// Concurrency: one thread at a time. nghttp2 calls back from within ``read()`` and ``write()``.
final class StreamCall {
  private let descriptor: Descriptor
  private let method: Method
  private let timeoutMilliseconds: Int
  private let arena = Arena()
  private var session: OpaquePointer?
  /// What is to be sent of the request's message.
  private var output = ByteBuffer()
  /// What has come of messages and was not taken.
  private var input = ByteBuffer()
  private var received = ByteBuffer()
  private var fields: [String: String] = [:]
  private var hasAnswer = false
  private var isOver = false

  private static let readByteCount = 64 * 1024

  /// Connects and asks.
  init(_ request: OutgoingRequest, _ options: Client.Options) throws(ClientError) {
    timeoutMilliseconds = options.boundedTimeoutMilliseconds
    method = request.method
    descriptor = try DaemonSocket.connect(options, timeoutMilliseconds: timeoutMilliseconds)
    do throws(CallError) {
      try GRPCEnvelope.append(request, to: &output, in: arena)
    } catch {
      throw .refused(error.code, error.message)
    }
    arena.reset()
    guard begin() else { throw .protocolViolation("there is no memory for a call") }
  }

  deinit {
    nghttp2_session_del(session)
  }

  /// Whether a reply is here already.
  var hasPending: Bool { pendingEnd != nil }

  /// Waits for the next reply.
  /// - Parameter interruption: a descriptor that ends the wait once it can be read; negative for none.
  /// - Returns: nil where the wait was ended so.
  func next(or interruption: Int32) throws(ClientError) -> Reply? {
    let deadline = MonotonicTime.nanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
    while true {
      if let end = pendingEnd { return try take(end) }
      if isOver { throw try failure() }
      try write()
      let left = hasAnswer ? -1 : Self.milliseconds(until: deadline)
      let ready: (socket: Bool, other: Bool)
      do throws(SystemError) {
        ready = try SocketIO.wait(descriptor.rawValue, or: interruption, timeoutMilliseconds: left)
      } catch {
        throw .unreachable("\(error)")
      }
      if ready.other { return nil }
      guard ready.socket else { throw .timedOut("the daemon did not answer in \(timeoutMilliseconds) ms") }
      try read()
    }
  }

  // MARK: - Messages

  /// Where the first message of the input ends.
  private var pendingEnd: Int? {
    guard let prefix = GRPCPrefix(input.bytes) else { return nil }
    let end = GRPCPrefix.byteCount + prefix.messageByteCount
    return input.count >= end ? end : nil
  }

  private func take(_ end: Int) throws(ClientError) -> Reply {
    defer {
      arena.reset()
      input.consume(end)
    }
    do throws(CallError) {
      return try GRPCEnvelope.reply(method, UnsafeRawBufferPointer(rebasing: input.bytes[..<end]), in: arena)
    } catch {
      throw .protocolViolation("the daemon's reply makes no sense: \(error.message)")
    }
  }

  /// Why the call has ended.
  private func failure() throws(ClientError) -> ClientError {
    defer { arena.reset() }
    if let status = fields[":status"], status != "200" {
      return .protocolViolation("the daemon answered with HTTP's status \(status)")
    }
    guard let code = fields["grpc-status"] else {
      return .unreachable("the daemon ended the call without a word")
    }
    guard code != "0" else { return .protocolViolation("the daemon ended a stream that has no end") }
    do throws(CallError) {
      let error = try GRPCStatus.error(
        code: code, message: fields["grpc-message"], details: fields["grpc-status-details-bin"], in: arena)
      return .refused(error.code, error.message)
    } catch {
      return .protocolViolation("the daemon's status makes no sense: \(error.message)")
    }
  }

  // MARK: - The connection

  private static func milliseconds(until deadline: UInt64) -> Int32 {
    let now = MonotonicTime.nanoseconds()
    return deadline > now ? Int32(clamping: (deadline - now) / 1_000_000 + 1) : 0
  }

  private func read() throws(ClientError) {
    switch SocketIO.receive(descriptor.rawValue, into: received.reserve(Self.readByteCount)) {
    case .bytes(let count):
      received.commit(count)
      let bytes = received.bytes
      let taken = nghttp2_session_mem_recv(
        session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
      guard taken == bytes.count else { throw .protocolViolation("the daemon sent what is not HTTP/2") }
      received.consume(count)
    case .wouldBlock: break
    case .ended, .failed(ECONNRESET): throw closed
    case .failed(let code): throw .unreachable("\(SystemError("hear from the daemon", code: code))")
    }
  }

  private var closed: ClientError {
    .unreachable(
      hasAnswer
        ? "the daemon has closed the connection"
        : "the daemon closed the connection at once: [server] grpc = false switches off what this needs")
  }

  /// Sends all that nghttp2 has to send.
  private func write() throws(ClientError) {
    while true {
      var data: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &data)
      guard count > 0 else {
        guard count == 0 else { throw .protocolViolation("HTTP/2 cannot go on: \(count)") }
        return
      }
      var rest = UnsafeRawBufferPointer(start: data, count: count)
      while !rest.isEmpty {
        switch SocketIO.send(descriptor.rawValue, rest) {
        case .bytes(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        case .wouldBlock: try waitToWrite()
        case .ended, .failed(ECONNRESET), .failed(EPIPE): throw closed
        case .failed(let code): throw .unreachable("\(SystemError("send to the daemon", code: code))")
        }
      }
    }
  }

  private func waitToWrite() throws(ClientError) {
    let isReady: Bool
    do throws(SystemError) {
      isReady = try SocketIO.wait(
        descriptor.rawValue, toWrite: true, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
    } catch {
      throw .unreachable("\(error)")
    }
    guard isReady else { throw .timedOut("the daemon took nothing in \(timeoutMilliseconds) ms") }
  }

  // MARK: - nghttp2

  /// - Returns: false where there is no memory.
  private func begin() -> Bool {
    var callbacks: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0 else { return false }
    defer { nghttp2_session_callbacks_del(callbacks) }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, _, name, nameCount, value, valueCount, _, user in
      StreamCall.with(user) { call in
        let name = String(decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
        call.fields[name] = String(decoding: UnsafeBufferPointer(start: value, count: valueCount), as: UTF8.self)
        call.hasAnswer = true
      }
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, _, bytes, count, user in
      StreamCall.with(user) { $0.input.append(UnsafeRawBufferPointer(start: bytes, count: count)) }
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, _, _, user in
      StreamCall.with(user) { $0.isOver = true }
    }
    guard nghttp2_session_client_new(&session, callbacks, Unmanaged.passUnretained(self).toOpaque()) == 0,
      nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil, 0) == 0
    else { return false }
    return submit()
  }

  private func submit() -> Bool {
    var provider = nghttp2_data_provider()
    provider.read_callback = { _, _, buffer, room, flags, _, user in
      guard let user, let buffer, let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      let call = Unmanaged<StreamCall>.fromOpaque(user).takeUnretainedValue()
      let count = min(room, call.output.count)
      UnsafeMutableRawBufferPointer(start: buffer, count: count)
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: call.output.bytes[..<count]))
      call.output.consume(count)
      if call.output.isEmpty { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
      return count
    }
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":path", "/\(method.service)/\(method.name)"),
      (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc"),
    ]
    // nghttp2 copies them.
    let memory = fields.map { [Array($0.0.utf8), Array($0.1.utf8)].map(Self.copy) }
    defer { for text in memory.joined() { text.deallocate() } }
    let list = memory.map { pair in
      nghttp2_nv(
        name: pair[0].baseAddress, value: pair[1].baseAddress, namelen: pair[0].count, valuelen: pair[1].count,
        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    }
    return nghttp2_submit_request(session, nil, list, list.count, &provider, nil) > 0
  }

  private static func copy(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<UInt8> {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    return copy
  }

  private static func with(_ user: UnsafeMutableRawPointer?, _ body: (StreamCall) -> Void) -> Int32 {
    guard let user else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
    body(Unmanaged<StreamCall>.fromOpaque(user).takeUnretainedValue())
    return 0
  }
}
