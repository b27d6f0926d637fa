import Glibc
import Synchronization

/// SIGINT and SIGTERM as something to wait for: from here on they end nothing by themselves. One of them for a process.
struct EndSignals: ~Copyable {
  /// Can be read once one of them has come.
  let descriptor: Int32

  /// Where the handler writes; set before there is one.
  private static let writer = Atomic<Int32>(-1)

  init() throws(CommandFailure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw CommandFailure(.software, "cannot wait for signals", errno: errno) }
    descriptor = ends[0]
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    Self.writer.store(ends[1], ordering: .sequentiallyConsistent)
    // Whoever started this may have had them blocked.
    var numbers = sigset_t()
    sigemptyset(&numbers)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&numbers, number)
      signal(number) { _ in
        // What was interrupted may be about to read it.
        let kept = errno
        var byte: UInt8 = 0
        _ = write(EndSignals.writer.load(ordering: .relaxed), &byte, 1)
        errno = kept
      }
    }
    sigprocmask(SIG_UNBLOCK, &numbers, nil)
  }

  deinit {
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    close(descriptor)
    close(Self.writer.exchange(-1, ordering: .sequentiallyConsistent))
  }
}
