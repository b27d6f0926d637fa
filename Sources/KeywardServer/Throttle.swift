import Synchronization

/// Lets through one event a second of those that a peer can cause at will, so that nobody fills the log.
final class Throttle: Sendable {
  private struct State {
    var next: UInt64 = 0
    var suppressed = 0
  }

  private static let interval: UInt64 = 1_000_000_000

  private let clock: Clock
  private let state = Mutex(State())

  init(clock: Clock) {
    self.clock = clock
  }

  /// - Returns: how many events were held back since the last one let through; nil to hold this one back.
  func admit() -> Int? {
    let now = clock.monotonicNanoseconds()
    return state.withLock { state in
      guard now >= state.next else {
        state.suppressed += 1
        return nil
      }
      defer { state = State(next: now + Self.interval, suppressed: 0) }
      return state.suppressed
    }
  }
}
