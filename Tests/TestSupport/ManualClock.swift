package import KeywardCore
import Synchronization

/// A clock that stands still until a test moves it, forward or back.
///
/// Concurrency: any thread.
package final class ManualClock: Sendable {
  private let microseconds: Atomic<Int64>

  /// - Parameter start: by default noon on a day in January.
  package init(_ start: Instant = .noon) {
    microseconds = Atomic(start.microseconds)
  }

  package var now: Instant {
    get { Instant(microseconds: microseconds.load(ordering: .relaxed)) }
    set { microseconds.store(newValue.microseconds, ordering: .relaxed) }
  }

  package func advance(seconds: Int64) {
    now = now.adding(seconds: seconds)
  }
}

extension Instant {
  /// 2027-01-15T12:00:00Z.
  package static let noon = Instant(microseconds: 1_800_014_400_000_000)
}
