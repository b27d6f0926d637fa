import Glibc

/// What systemd and the daemon tell each other: sd_listen_fds(3) and sd_notify(3), which are plain enough to need no
/// library.
package enum ServiceManager {
  /// The first descriptor passed in.
  private static let firstDescriptor: Int32 = 3

  /// The sockets that systemd passed to this very process. They are taken over: asked again, there are none.
  package static func passedSockets() -> [Int32] {
    defer {
      for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
    }
    guard let pid = environment("LISTEN_PID").flatMap({ Int32($0) }), pid == getpid(),
      let count = environment("LISTEN_FDS").flatMap({ Int32($0) }), (1...1024).contains(count)
    else { return [] }
    return (0..<count).map { firstDescriptor + $0 }
  }

  /// Sends the service manager one datagram, `READY=1`, `RELOADING=1` or `STOPPING=1`; nothing where there is none.
  package static func notify(_ state: String) {
    guard var path = environment("NOTIFY_SOCKET"), !path.isEmpty else { return }
    // An abstract socket's name is written with @ for the NUL it begins with.
    let isAbstract = path.utf8.first == UInt8(ascii: "@")
    if isAbstract { path = "\0" + path.dropFirst() }
    var address = sockaddr_un()
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let prefix = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
    let length = socklen_t(prefix + path.utf8.count + (isAbstract ? 0 : 1))

    let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { return }
    let descriptor = Descriptor(owning: fd)
    _ = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        state.utf8CString.withUnsafeBufferPointer { text in
          sendto(descriptor.rawValue, text.baseAddress, text.count - 1, Int32(MSG_NOSIGNAL), address, length)
        }
      }
    }
  }

  /// Whether standard error is the journal (sd_journal_stream_fd(3)): then its lines may carry a priority.
  package static var logsToJournal: Bool {
    var status = stat()
    guard let stream = environment("JOURNAL_STREAM"), fstat(STDERR_FILENO, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
