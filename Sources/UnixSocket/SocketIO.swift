public import CUnixSocket
import Glibc

/// What one read or write of a non-blocking socket came to.
public enum Transfer: Equatable {
  /// So many bytes went over; at least one.
  case bytes(Int)
  /// Nothing can go over now.
  case wouldBlock
  /// The other end has shut its side.
  case ended
  /// The connection is broken.
  case failed(Int32)
}

/// The operations on a connection, which outlives each of them.
///
/// Receiving and sending are public, for only that can be inlined into other modules.
public enum SocketIO {
  @inlinable
  public static func receive(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    while true {
      let count = unix_receive(fd, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .ended }
      if let outcome = failure() { return outcome }
    }
  }

  @inlinable
  public static func send(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
    while true {
      let count = unix_send(fd, bytes.baseAddress, bytes.count)
      if count >= 0 { return .bytes(count) }
      if let outcome = failure() { return outcome }
    }
  }

  /// Waits until the socket can be read, or written.
  /// - Parameter timeoutMilliseconds: negative waits for ever.
  /// - Returns: false if the time has passed.
  package static func wait(
    _ fd: Int32, toWrite: Bool, timeoutMilliseconds: Int32
  ) throws(SystemError) -> Bool {
    var polled = pollfd(fd: fd, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0)
    return try retrying("wait for the daemon") { poll(&polled, 1, timeoutMilliseconds) } > 0
  }

  /// Waits until the socket can be read, or another descriptor.
  /// - Parameters:
  ///   - other: negative for none.
  ///   - timeoutMilliseconds: negative waits for ever.
  /// - Returns: which of the two can be read; none if the time has passed.
  package static func wait(
    _ fd: Int32, or other: Int32, timeoutMilliseconds: Int32
  ) throws(SystemError) -> (socket: Bool, other: Bool) {
    var polled = [
      pollfd(fd: fd, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    try retrying("wait for the daemon") { poll(&polled, 2, timeoutMilliseconds) }
    return (polled[0].revents != 0, polled[1].revents != 0)
  }

  /// What errno tells of a call; nil for one that is to be made again.
  @usableFromInline
  static func failure() -> Transfer? {
    let code = errno
    return switch code {
    case EINTR: nil
    case EAGAIN: .wouldBlock
    default: .failed(code)
    }
  }
}
