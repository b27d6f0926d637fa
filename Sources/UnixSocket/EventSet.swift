import CUnixSocket
import Glibc

/// An epoll set (epoll(7)), level-triggered.
package struct EventSet: ~Copyable {
  package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    package init(input: Bool, output: Bool) {
      rawValue = (input ? EPOLLIN.rawValue : 0) | (output ? EPOLLOUT.rawValue : 0)
    }

    package static let input = Interest(rawValue: EPOLLIN.rawValue)
    package static let output = Interest(rawValue: EPOLLOUT.rawValue)
    /// Both sides are shut, or the connection is broken. Always reported.
    package static let hangup = Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
  }

  /// One descriptor that is ready.
  package struct Event {
    package let token: UInt64
    package let ready: Interest
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

  package func add(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    guard unix_epoll_add(descriptor.rawValue, fd, interest.rawValue, token) == 0 else {
      throw SystemError("watch a descriptor")
    }
  }

  package func modify(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    guard unix_epoll_modify(descriptor.rawValue, fd, interest.rawValue, token) == 0 else {
      throw SystemError("watch a descriptor")
    }
  }

  /// Waits for descriptors to be ready and hands them over one by one.
  /// - Returns: how many there were; 0 when the time has passed.
  package func wait(milliseconds: Int32, _ body: (Event) -> Void) -> Int {
    let count = Int(unix_epoll_wait(descriptor.rawValue, events, Int32(Self.capacity), milliseconds))
    // EINTR is the one failure there can be, and the caller waits again anyway.
    for index in 0..<max(0, count) {
      body(Event(token: events[index].token, ready: Interest(rawValue: events[index].events)))
    }
    return max(0, count)
  }
}
