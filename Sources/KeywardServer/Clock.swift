import Glibc
package import KeywardCore

/// Where the server has the time from: the system's clocks, or a test's.
package struct Clock: Sendable {
  /// The wall clock, by which keys are judged.
  package let now: @Sendable () -> Instant
  /// Nanoseconds that never go back, for deadlines.
  package let monotonicNanoseconds: @Sendable () -> UInt64

  package init(
    now: @escaping @Sendable () -> Instant, monotonicNanoseconds: @escaping @Sendable () -> UInt64
  ) {
    self.now = now
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  package static let system = Clock(
    now: {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    },
    monotonicNanoseconds: {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    })
}

/// An instant of the monotonic clock until which a call is waited for, in nanoseconds.
struct Deadline: Comparable, Sendable {
  let nanoseconds: UInt64

  /// The deadline of a peer that waits for ever.
  static let never = Deadline(nanoseconds: .max)

  static func < (a: Deadline, b: Deadline) -> Bool { a.nanoseconds < b.nanoseconds }

  /// - Parameter timeout: nanoseconds, not negative; nil is for ever.
  init(from now: UInt64, timeout: Int64?) {
    let (sum, overflow) = now.addingReportingOverflow(UInt64(timeout ?? 0))
    nanoseconds = timeout == nil || overflow ? .max : sum
  }

  /// - Parameter seconds: not negative.
  init(from now: UInt64, seconds: Double) {
    self.init(from: now, timeout: Int64(seconds * 1_000_000_000))
  }

  init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  func hasPassed(at now: UInt64) -> Bool { nanoseconds <= now }
}
