import Glibc
import KeywardWire
import UnixSocket

/// Carries one call at a time over ttrpc.
final class Channel {
  private let descriptor: Descriptor
  private let timeoutMilliseconds: Int
  private let arena = Arena()
  private var output = ByteBuffer()
  private var input = ByteBuffer()
  /// A client's stream ids are odd.
  private var nextStream: UInt32 = 1
  private var isBroken = false

  private static let readByteCount = 16 * 1024

  init(_ options: Client.Options) throws(ClientError) {
    timeoutMilliseconds = options.boundedTimeoutMilliseconds
    descriptor = try DaemonSocket.connect(options, timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Sends a request and waits for its reply.
  func call(_ request: OutgoingRequest) throws(ClientError) -> Reply {
    guard !isBroken else { throw .unreachable("the connection has broken before: connect again") }
    isBroken = true
    let deadline = MonotonicTime.nanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
    let stream = nextStream
    nextStream &+= 2
    try send(request, on: stream, by: deadline)
    let result = try receive(request.method, on: stream, by: deadline)
    isBroken = false
    switch result {
    case .success(let reply): return reply
    case .failure(let error): throw .refused(error.code, error.message)
    }
  }

  private func send(_ request: OutgoingRequest, on stream: UInt32, by deadline: UInt64) throws(ClientError) {
    defer { arena.reset() }
    do throws(CallError) {
      try TTRPCEnvelope.append(
        request, stream: stream, timeoutNanoseconds: Int64(timeoutMilliseconds) * 1_000_000, to: &output, in: arena)
    } catch {
      isBroken = false
      throw .refused(error.code, error.message)
    }
    while !output.isEmpty {
      switch SocketIO.send(descriptor.rawValue, output.bytes) {
      case .bytes(let count): output.consume(count)
      case .wouldBlock: try wait(toWrite: true, until: deadline)
      case .ended: throw .unreachable("the daemon has closed the connection")
      case .failed(let code): throw .unreachable("\(SystemError("send to the daemon", code: code))")
      }
    }
  }

  private func receive(
    _ method: Method, on stream: UInt32, by deadline: UInt64
  ) throws(ClientError) -> Result<Reply, CallError> {
    defer { arena.reset() }
    while true {
      if let header = FrameHeader(input.bytes) {
        guard header.kind == .response, header.streamID == stream,
          header.dataByteCount <= FrameHeader.maxDataByteCount
        else { throw .protocolViolation("the daemon sent a frame that belongs to no call") }
        let end = FrameHeader.byteCount + header.dataByteCount
        if input.count >= end {
          defer { input.consume(end) }
          let data = UnsafeRawBufferPointer(rebasing: input.bytes[FrameHeader.byteCount..<end])
          do throws(CallError) {
            return try TTRPCEnvelope.decode(data, of: method, in: arena)
          } catch {
            throw .protocolViolation("the daemon's reply makes no sense: \(error.message)")
          }
        }
      }
      switch SocketIO.receive(descriptor.rawValue, into: input.reserve(Self.readByteCount)) {
      case .bytes(let count): input.commit(count)
      case .wouldBlock: try wait(toWrite: false, until: deadline)
      case .ended:
        throw .unreachable("the daemon closed the connection before it answered: a change may have been made")
      case .failed(let code): throw .unreachable("\(SystemError("hear from the daemon", code: code))")
      }
    }
  }

  private func wait(toWrite: Bool, until deadline: UInt64) throws(ClientError) {
    let now = MonotonicTime.nanoseconds()
    // A little more than the daemon was given, so that its own word on the matter arrives.
    let end = deadline + 100_000_000
    let left = end > now ? Int32(clamping: (end - now) / 1_000_000) : 0
    let isReady: Bool
    do throws(SystemError) {
      isReady = try SocketIO.wait(descriptor.rawValue, toWrite: toWrite, timeoutMilliseconds: left)
    } catch {
      throw .unreachable("\(error)")
    }
    guard isReady else {
      throw .timedOut(
        "the daemon did not answer in \(timeoutMilliseconds) ms: a change may have been made all the same")
    }
  }
}
