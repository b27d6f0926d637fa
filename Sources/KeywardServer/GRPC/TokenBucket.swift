/// Lets so many things a second happen, and a number at once after a pause.
struct TokenBucket {
  private let perSecond: Double
  private let burst: Double
  private var tokens: Double
  private var last: UInt64 = 0

  init(perSecond: Int, burst: Int) {
    self.perSecond = Double(perSecond)
    self.burst = Double(burst)
    tokens = Double(burst)
  }

  /// - Parameter now: of the monotonic clock, in nanoseconds.
  /// - Returns: whether one more is within the limit.
  mutating func take(at now: UInt64) -> Bool {
    tokens = min(burst, tokens + Double(now - min(last, now)) / 1_000_000_000 * perSecond)
    last = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  mutating func refill() {
    tokens = burst
  }
}
