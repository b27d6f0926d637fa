/// What a key's limits say of one use.
enum Admission: Equatable {
  case granted
  /// Too soon. An earlier use than at the instant has no chance.
  case rateLimited(until: Instant)
  /// The total is used up; nil where it is not refilled.
  case exceeded(until: Instant?)
}

/// How far a key's limits have been used.
///
/// The rate is the generic cell rate algorithm (ITU-T I.371): one number, the instant at which a bucket that each use
/// fills and time empties would be empty. It lives in memory alone, so a start of the daemon allows a burst.
///
/// Of a total, memory grants what the store has reserved and no more.
struct Meter {
  private(set) var rate: RateLimit?
  private(set) var limit: UseLimit?

  /// In ticks, of which a microsecond has 16: that of the year 9999 still fits, and an interval is rounded by little.
  private var empty: Int64 = 0

  private var period: Int64 = 0
  private var used: Int64 = 0
  /// What the store knows of: uses of the period, of which all beyond ``used`` are free.
  private var reserved: Int64 = 0
  /// What the store knows of: uses of any later period.
  private var ahead: Int64 = 0
  /// Whether what is reserved ahead may have been granted before a crash.
  private var aheadIsLost = false
  /// Whether it waits for the store to be told of more.
  var isWaiting = false

  private static let ticks: Int64 = 16

  init(_ key: Key) {
    rate = key.rateLimit
    limit = key.useLimit
  }

  /// Takes over what may have been granted before a crash.
  mutating func restore(_ reservation: UseReservation) {
    guard let limit, limit.refill == reservation.refill else { return }
    period = reservation.period
    used = reservation.count
    reserved = reservation.count
    ahead = reservation.ahead
    aheadIsLost = true
  }

  /// Other limits for the key. What was used still counts, unless the total has another refill or was none.
  mutating func change(to key: Key) {
    if key.rateLimit != rate { empty = 0 }
    if key.useLimit?.refill != limit?.refill { (period, used, reserved, ahead, aheadIsLost) = (0, 0, 0, 0, false) }
    rate = key.rateLimit
    limit = key.useLimit
  }

  /// Takes one use, or none where the answer is another than granted.
  mutating func take(at now: Instant) -> Admission {
    if let limit {
      enter(limit.refill.period(at: now))
      guard used < limit.total else { return .exceeded(until: limit.refill.end(ofPeriod: period)) }
    }
    var filled: Int64 = 0
    if let rate {
      let (next, until) = rate.fill(
        empty, at: min(max(now, .epoch), .latest).microseconds * Self.ticks, ticks: Self.ticks)
      if let until { return .rateLimited(until: Instant(microseconds: until / Self.ticks)) }
      filled = next
    }
    if limit != nil {
      guard used < reserved else { return .rateLimited(until: now.adding(microseconds: Self.reservationPause)) }
      used += 1
    }
    if rate != nil { empty = filled }
    return .granted
  }

  /// Whether the store should hear of more uses before these run out.
  var runsLow: Bool {
    guard let limit, used < limit.total else { return false }
    return reserved < limit.total && reserved - used <= limit.block / 2 || ahead == 0 && limit.refill != .never
  }

  /// What to have the store reserve; nil for a key without a total.
  mutating func reservation(for key: KeyID, at now: Instant) -> UseReservation? {
    guard let limit else { return nil }
    enter(limit.refill.period(at: now))
    return UseReservation(
      key: key, refill: limit.refill, period: period, count: max(reserved, min(limit.total, used + limit.block)),
      ahead: limit.refill == .never ? 0 : limit.block)
  }

  /// The store has a reservation.
  mutating func adopt(_ reservation: UseReservation) {
    isWaiting = false
    guard let limit, limit.refill == reservation.refill else { return }
    if reservation.period == period { reserved = max(reserved, reservation.count) }
    ahead = reservation.ahead
    aheadIsLost = false
  }

  /// Grants nothing more, so that the store can be told how much was used and lose nothing.
  mutating func close(_ key: KeyID) -> UseReservation? {
    guard let limit else { return nil }
    (reserved, ahead) = (used, 0)
    return UseReservation(key: key, refill: limit.refill, period: period, count: used, ahead: 0)
  }

  /// A clock that has gone back stays in the period that was reached.
  private mutating func enter(_ period: Int64) {
    guard period > self.period else { return }
    self.period = period
    reserved = ahead
    used = aheadIsLost ? ahead : 0
  }

  /// Microseconds after which a use that waits for the store is worth another try.
  private static let reservationPause: Int64 = 5000
}

extension RateLimit {
  /// The generic cell rate algorithm, in ticks since 1970.
  /// - Returns: when the bucket is empty after one more use at `now`, or, where there is no room for it, the first
  ///   whole microsecond at which there is.
  fileprivate func fill(_ empty: Int64, at now: Int64, ticks: Int64) -> (empty: Int64, until: Int64?) {
    let period = periodSeconds * 1_000_000 * ticks
    // Rounded up, so that no period ever has more.
    let interval = (period + count - 1) / count
    let capacity = interval * burst
    // More than a full bucket is what a clock that has gone back leaves.
    let start = min(max(empty, now), now + capacity)
    let next = start + interval
    guard next - now > capacity else { return (next, nil) }
    return (empty, (next - capacity + ticks - 1) / ticks * ticks)
  }
}
