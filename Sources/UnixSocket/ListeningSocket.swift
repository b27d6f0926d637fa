import CUnixSocket
import Glibc

/// A socket that takes connections, at a path of the file system.
package struct ListeningSocket: ~Copyable, Sendable {
  package let descriptor: Descriptor
  /// Where it is, nil if it was passed in without one.
  package let path: String?
  /// The file made, to be removed again; nil for a socket that was passed in.
  private let file: (device: UInt, inode: UInt)?

  /// Connections that wait to be taken, at most.
  package static let backlog: Int32 = 1024

  /// Makes a socket that every user may connect to: rights are judged by the kernel's credentials, not by the file's
  /// mode. A socket file that nobody listens at any more is replaced.
  /// - Throws: ``ListenError`` and leaves what is at the path as it is: a live socket, or another kind of file.
  package init(at text: String) throws(ListenError) {
    let path: SocketPath
    do throws(SocketPathError) {
      path = try SocketPath(text)
    } catch {
      throw .path(error)
    }
    try Self.clear(path)
    let socket = try Self.makeSocket()
    let mask = umask(0o111)
    let bound = path.withAddress { bind(socket.rawValue, $0, $1) }
    let failure = SystemError("make the socket \(path.text)")
    umask(mask)
    guard bound == 0 else {
      switch failure.code {
      case EADDRINUSE: throw .inUse(path.text)
      case ENOENT, ENOTDIR, EACCES, EROFS: throw .folder(failure)
      default: throw .system(failure)
      }
    }
    var status = stat()
    guard lstat(path.text, &status) == 0, listen(socket.rawValue, Self.backlog) == 0 else {
      throw .system(SystemError("listen at \(path.text)"))
    }
    descriptor = socket
    self.path = path.text
    file = (status.st_dev, status.st_ino)
  }

  /// Takes a socket that systemd passed (sd_listen_fds(3)).
  /// - Throws: if it is not a listening Unix stream socket.
  package init(passed descriptor: consuming Descriptor) throws(ListenError) {
    let fd = descriptor.rawValue
    guard Self.option(SO_ACCEPTCONN, of: fd) == 1, Self.option(SO_DOMAIN, of: fd) == AF_UNIX,
      Self.option(SO_TYPE, of: fd) == Int32(SOCK_STREAM.rawValue)
    else { throw .notListening }
    guard fcntl(fd, F_SETFL, O_NONBLOCK) == 0, fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 else {
      throw .system(SystemError("set up the passed socket"))
    }
    path = Self.boundPath(of: fd)
    file = nil
    self.descriptor = descriptor
  }

  /// Whether a path leads to the socket's file.
  package func isAt(_ other: String) -> Bool {
    var (own, theirs) = (stat(), stat())
    guard let path, stat(path, &own) == 0, stat(other, &theirs) == 0 else { return path == other }
    return own.st_dev == theirs.st_dev && own.st_ino == theirs.st_ino
  }

  /// Whether this made the socket, so that nobody takes its connections afterwards.
  package var isOwn: Bool { file != nil }

  /// Removes the socket's file if this made it and it is still there.
  package func removeFile() {
    var status = stat()
    guard let path, let file, stat(path, &status) == 0, status.st_dev == file.device, status.st_ino == file.inode
    else { return }
    unlink(path)
  }

  /// The next connection, nil if none waits.
  package func accept() throws(SystemError) -> Descriptor? {
    while true {
      let fd = unix_accept(descriptor.rawValue)
      if fd >= 0 { return Descriptor(owning: fd) }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EAGAIN: return nil
      default: throw SystemError("accept a connection")
      }
    }
  }

  /// Removes a socket file that nobody listens at.
  private static func clear(_ path: SocketPath) throws(ListenError) {
    var status = stat()
    guard lstat(path.text, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path.text) }
    let probe = try makeSocket()
    if path.withAddress({ connect(probe.rawValue, $0, $1) }) == 0 || errno == EAGAIN { throw .inUse(path.text) }
    guard errno == ECONNREFUSED else { throw .system(SystemError("look who listens at \(path.text)")) }
    guard unlink(path.text) == 0 || errno == ENOENT else {
      throw .system(SystemError("remove the stale socket \(path.text)"))
    }
  }

  private static func makeSocket() throws(ListenError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let fd = socket(AF_UNIX, type, 0)
    guard fd >= 0 else { throw .system(SystemError("make a socket")) }
    return Descriptor(owning: fd)
  }

  private static func option(_ name: Int32, of fd: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
  }

  private static func boundPath(of fd: Int32) -> String? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let named = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
    }
    guard named == 0 else { return nil }
    return withUnsafeBytes(of: address.sun_path) { bytes in
      bytes.first == 0 ? nil : String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// Why no socket listens.
package enum ListenError: Error {
  /// Another process listens at the path.
  case inUse(String)
  /// Something else than a socket is at the path.
  case notASocket(String)
  /// There is no folder that a socket could be made in.
  case folder(SystemError)
  /// No socket can be at such a path.
  case path(SocketPathError)
  /// Another socket was passed in than the one that was asked for.
  case contradiction(String, passed: String?)
  /// What was passed in is not a listening Unix stream socket.
  case notListening
  case system(SystemError)

  package var message: String {
    switch self {
    case .inUse(let path): "\(path) is in use: another process listens there, stop it or give another path"
    case .notASocket(let path): "\(path) is there and not a socket: remove it or give another path"
    case .folder(let error): "\(error): make its folder, writable for this user, or give another path"
    case .path(let error): error.message
    case .contradiction(let path, let passed):
      "the socket asked for, \(path), contradicts the one passed in, \(passed ?? "which has no path"): leave one out"
    case .notListening: "the descriptor passed in is not a listening Unix stream socket (ListenStream=)"
    case .system(let error): "\(error)"
    }
  }
}
