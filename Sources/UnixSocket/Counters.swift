import CUnixSocket
import Glibc

/// Descriptors that count: eventfd(2), which other threads add to, and timerfd_create(2), which time adds to. Both
/// are readable while the count is not 0.
extension Descriptor {
  package static func eventCounter() throws(SystemError) -> Descriptor {
    let fd = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    guard fd >= 0 else { throw SystemError("make an event counter") }
    return Descriptor(owning: fd)
  }

  package static func monotonicTimer() throws(SystemError) -> Descriptor {
    let fd = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
    guard fd >= 0 else { throw SystemError("make a timer") }
    return Descriptor(owning: fd)
  }

  package borrowing func addToCounter() {
    var one: UInt64 = 1
    // It can only fail when the count is at its end, and then the reader is awake.
    _ = write(rawValue, &one, MemoryLayout<UInt64>.size)
  }

  package borrowing func resetCounter() {
    var count: UInt64 = 0
    _ = read(rawValue, &count, MemoryLayout<UInt64>.size)
  }

  /// Sets a timer to an instant of the monotonic clock; one that has passed fires at once.
  package borrowing func setTimer(nanoseconds: UInt64) {
    // A value of 0 would switch it off, one beyond the range of time_t would be refused.
    let bounded = min(max(nanoseconds, 1), UInt64(Int64.max))
    var setting = itimerspec()
    setting.it_value.tv_sec = Int(bounded / 1_000_000_000)
    setting.it_value.tv_nsec = Int(bounded % 1_000_000_000)
    timerfd_settime(rawValue, Int32(TFD_TIMER_ABSTIME), &setting, nil)
  }
}
