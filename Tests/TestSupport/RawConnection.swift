import CPeer
import Glibc
package import KeywardCore
package import KeywardWire

/// A peer that can say anything. Reads give up after 30 seconds.
package final class RawConnection {
  /// The connection did not do what a test takes for granted.
  package struct Failure: Error {
    package let message: String

    package init(message: String) {
      self.message = message
    }
  }

  private let fd: Int32
  private let arena = Arena()
  private var input: [UInt8] = []

  /// A frame that came.
  package struct Frame {
    package let stream: UInt32
    package let type: UInt8
    package let data: [UInt8]
  }

  package init(_ path: String) throws {
    fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    setTimeLimit()
    let connected = withSocketAddress(path) { connect(fd, $0, $1) }
    guard connected == 0 else { throw Failure(message: "cannot connect to \(path): errno \(errno)") }
  }

  /// Connects as another user, which takes root.
  /// - Parameter gids: the primary group first; there must be one.
  package init(_ path: String, uid: UInt32, gids: [UInt32]) throws {
    fd = peer_connect(path, uid, gids, gids.count)
    guard fd >= 0 else { throw Failure(message: "cannot connect to \(path) as \(uid): errno \(-fd)") }
    setTimeLimit()
  }

  deinit {
    close(fd)
  }

  private func setTimeLimit() {
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(fd, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  package var descriptor: Int32 { fd }

  /// - Returns: false if the daemon has closed the connection.
  @discardableResult
  package func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Sends until the daemon has not read on for a second.
  /// - Returns: how many bytes went.
  package func sendUntilBlocked(_ bytes: [UInt8]) -> Int {
    var sent = 0
    var polled = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
    while sent < bytes.count, poll(&polled, 1, 1000) > 0 {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if count > 0 { sent += count } else if errno != EAGAIN { break }
    }
    return sent
  }

  package func shutWriting() {
    shutdown(fd, Int32(SHUT_WR))
  }

  /// The next frame, nil at the end of the connection.
  package func receive() throws -> Frame? {
    while true {
      if let header = input.withUnsafeBytes({ FrameHeader($0) }) {
        let end = FrameHeader.byteCount + header.dataByteCount
        if input.count >= end {
          defer { input.removeFirst(end) }
          return Frame(
            stream: header.streamID, type: header.type, data: Array(input[FrameHeader.byteCount..<end]))
        }
      }
      guard try fill() else { return nil }
    }
  }

  /// So many bytes, whatever they are; nil where the connection ends before.
  package func read(_ count: Int) throws -> [UInt8]? {
    while input.count < count { guard try fill() else { return nil } }
    defer { input.removeFirst(count) }
    return Array(input[..<count])
  }

  /// - Returns: false at the end of the connection.
  private func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65536)
    let count = recv(fd, &chunk, chunk.count, 0)
    if count < 0 {
      guard errno == ECONNRESET else { throw Failure(message: "nothing came in 30 seconds: errno \(errno)") }
      return false
    }
    input += chunk[..<count]
    return count > 0
  }

  /// The next frame as the answer to a call.
  package func receive(_ method: Method) throws -> (stream: UInt32, Result<Reply, CallError>)? {
    guard let frame = try receive() else { return nil }
    defer { arena.reset() }
    return (frame.stream, try frame.data.withUnsafeBytes { try TTRPCEnvelope.decode($0, of: method, in: arena) })
  }

  /// Calls and waits for the answer.
  package func call(_ request: OutgoingRequest) throws -> Result<Reply, CallError> {
    send(try frame(request, stream: 1))
    guard let (_, result) = try receive(request.method) else {
      throw Failure(message: "the connection ended before \(request.method.name) was answered")
    }
    return result
  }

  /// The status on the next frame.
  package func receiveError() throws -> (stream: UInt32, code: StatusCode)? {
    guard let (stream, result) = try receive(.whoAmI) else { return nil }
    guard case .failure(let error) = result else { return (stream, .ok) }
    return (stream, error.code)
  }

  package func frame(_ request: OutgoingRequest, stream: UInt32, timeout: Int64 = 0) throws -> [UInt8] {
    defer { arena.reset() }
    var output = ByteBuffer()
    try TTRPCEnvelope.append(request, stream: stream, timeoutNanoseconds: timeout, to: &output, in: arena)
    return Array(output.bytes)
  }

  package static func header(length: Int, stream: UInt32, type: UInt8, flags: UInt8 = 0) -> [UInt8] {
    withUnsafeBytes(of: (UInt32(length).bigEndian, stream.bigEndian)) { Array($0) } + [type, flags]
  }
}

extension OutgoingRequest {
  package static func createKey(_ key: CreateKey) -> OutgoingRequest { .change(ChangeRequest(.create(key))) }
}
