import CUnixSocket
import Glibc

/// An epoll set (epoll(7)).
package struct EventSet: ~Copyable {
  /// What a descriptor is watched for.
  package struct Interest: Equatable, Sendable {
    package let input: Bool
    package let output: Bool

    package init(input: Bool, output: Bool) {
      self.input = input
      self.output = output
    }

    package static let input = Interest(input: true, output: false)

    fileprivate var bits: UInt32 { (input ? EPOLLIN.rawValue : 0) | (output ? EPOLLOUT.rawValue : 0) }

    /// As the kernel is asked for changes alone: it has nothing to look at again then before the next wait.
    fileprivate var changes: UInt32 { bits | EPOLLET.rawValue | (input ? EPOLLRDHUP.rawValue : 0) }
  }

  /// One descriptor that is ready, and for what.
  package struct Event {
    package let token: UInt64
    package let input: Bool
    package let output: Bool
    /// Both sides are shut, or the connection is broken. Always reported.
    package let hangup: Bool
    /// The peer sends no more, or as ``hangup``. Reported where input's changes are watched.
    package let end: Bool

    fileprivate init(_ event: unix_event) {
      token = event.token
      input = event.events & EPOLLIN.rawValue != 0
      output = event.events & EPOLLOUT.rawValue != 0
      hangup = event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      end = hangup || event.events & EPOLLRDHUP.rawValue != 0
    }
  }

  package let descriptor: Descriptor
  // Where the kernel's answers are put; owned.
  private let events: UnsafeMutablePointer<unix_event>

  private static let capacity = 64

  package init() throws(SystemError) {
    let fd = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard fd >= 0 else { throw SystemError("make an epoll set") }
    descriptor = Descriptor(owning: fd)
    events = .allocate(capacity: Self.capacity)
  }

  deinit {
    events.deallocate()
  }

  /// Watches a descriptor, which is told of as long as it is ready.
  package func add(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    try check(unix_epoll_add(descriptor.rawValue, fd, interest.bits, token))
  }

  /// Watches a descriptor's changes: it is told of if it is ready now, and then each time that something new has come.
  /// A socket has nothing more once a read has brought less than there was room for, but for its end, which was told of
  /// as ``Event/end``. Where there may be more, ask anew by ``watchChanges(_:_:token:)``.
  package func addChanges(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    try check(unix_epoll_add(descriptor.rawValue, fd, interest.changes, token))
  }

  /// Watches the changes of a descriptor that is in the set already: it is told of if it is ready now.
  package func watchChanges(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    try check(unix_epoll_modify(descriptor.rawValue, fd, interest.changes, token))
  }

  private func check(_ result: Int32) throws(SystemError) {
    guard result == 0 else { throw SystemError("watch a descriptor") }
  }

  /// Waits for descriptors to be ready and hands them over one by one.
  /// - Parameters:
  ///   - milliseconds: negative waits for ever.
  ///   - begin: is told beforehand how many there are; 0 when the time has passed.
  package func wait(milliseconds: Int32, _ begin: (Int) -> Void, _ body: (Event) -> Void) {
    let count = Int(unix_epoll_wait(descriptor.rawValue, events, Int32(Self.capacity), milliseconds))
    // EINTR is the one failure there can be, and the caller waits again anyway.
    begin(max(0, count))
    for index in 0..<max(0, count) { body(Event(events[index])) }
  }
}
