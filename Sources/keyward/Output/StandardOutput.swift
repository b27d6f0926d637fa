import CommandSupport
import Glibc
import KeywardCore

/// Standard output: what a verb prints, told apart by whether a person or a program reads it.
///
/// A reader that has gone (EPIPE) ends nothing: what is left is dropped, and ``readerIsGone`` tells those who care.
final class StandardOutput {
  let isTerminal: Bool
  /// How many columns the terminal has; nil where it is none.
  let width: Int?
  private(set) var readerIsGone = false
  private let descriptor: Int32
  private var pending: [UInt8] = []

  private static let pendingLimit = 1 << 16

  init(descriptor: Int32 = STDOUT_FILENO) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
    width = isTerminal ? Self.width(of: descriptor, variable: getenv("COLUMNS").map { String(cString: $0) }) : nil
  }

  /// A terminal's columns: as COLUMNS says, which POSIX has its user set, else as the terminal does.
  static func width(of descriptor: Int32, variable: String?) -> Int {
    if let columns = variable.flatMap({ Int($0) }), columns > 0 { return columns }
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Whether anything could be read of what is written now: the reader is there, and the descriptor is open.
  var canBeRead: Bool {
    guard fcntl(descriptor, F_GETFL) & O_ACCMODE != O_RDONLY else { return false }
    // poll(2): POLLERR where a pipe's reader has gone, POLLNVAL where there is no descriptor.
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&entry, 1, 0) < 0 || entry.revents & Int16(POLLERR | POLLNVAL) == 0
  }

  /// Whether it is a file that others than its owner may read.
  var isFileForOthers: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o044 != 0
  }

  func write(_ text: String) throws(CommandFailure) {
    pending.append(contentsOf: text.utf8)
    if pending.count >= Self.pendingLimit { try flush() }
  }

  /// Writes a secret without copying it.
  func write(_ secret: Secret) throws(CommandFailure) {
    try flush()
    try secret.withUnsafeBytes { (bytes) throws(CommandFailure) in try writeAll(bytes.bytes) }
  }

  /// Hands over what is held back.
  func flush() throws(CommandFailure) {
    let bytes = pending
    pending = []
    try writeAll(bytes.span.bytes)
  }

  private func writeAll(_ bytes: RawSpan) throws(CommandFailure) {
    var written = 0
    while written < bytes.byteCount, !readerIsGone {
      let count = bytes.withUnsafeBytes { bytes in
        Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      switch errno {
      case EINTR: break
      case EPIPE: readerIsGone = true
      case EAGAIN:
        // Somebody has made the terminal or pipe non-blocking.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
      default: throw CommandFailure(.inputOutput, "cannot write to standard output", errno: errno)
      }
    }
  }
}
