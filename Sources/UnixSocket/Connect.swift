import Glibc

extension Descriptor {
  /// Connects to a listening socket, non-blocking from then on.
  ///
  /// A full backlog gives EAGAIN at once on a non-blocking socket, so the connection is made on a blocking one, whose
  /// wait SO_SNDTIMEO bounds (unix(7)).
  /// - Parameter timeoutMilliseconds: how long a full backlog is waited for.
  package static func connected(to path: SocketPath, timeoutMilliseconds: Int) throws(SystemError) -> Descriptor {
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { throw SystemError("make a socket") }
    let connection = Descriptor(owning: fd)
    var limit = timeval(
      tv_sec: timeoutMilliseconds / 1000, tv_usec: Int(timeoutMilliseconds % 1000) * 1000)
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    try retrying("connect to \(path.text)") { path.withAddress { connect(fd, $0, $1) } }
    guard fcntl(fd, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("set up the connection") }
    return connection
  }
}
