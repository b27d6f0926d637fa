/// What a key's limits say of one use.
enum Admission: Equatable {
  case granted
  /// It is admitted once the store has reserved it, and not taken before.
  case waits
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
  /// Uses of the period.
  private(set) var used: Int64 = 0
  /// What the store knows of: uses of the period, of which all beyond ``used`` are free.
  private var reserved: Int64 = 0
  /// Uses of the first later period that an earlier keyward may have granted.
  private var carried: Int64 = 0
  /// Whether more was asked for before it was needed, and has not come.
  var hasAsked = false

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
    carried = reservation.ahead
  }

  /// Other limits for the key. What was used still counts, unless the total has another refill or was none.
  mutating func change(to key: Key) {
    if key.rateLimit != rate { empty = 0 }
    if key.useLimit?.refill != limit?.refill { (period, used, reserved, carried, hasAsked) = (0, 0, 0, 0, false) }
    rate = key.rateLimit
    limit = key.useLimit
  }

  /// Takes one use, or none where the answer is another than granted.
  /// - Parameter isReserved: whether to take what the store has not reserved for reserved.
  mutating func take(at now: Instant, asIfReserved isReserved: Bool = false) -> Admission {
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
      guard used < reserved || isReserved else { return .waits }
      used += 1
    }
    if rate != nil { empty = filled }
    return .granted
  }

  /// Whether more should be reserved now, before a use has to wait for it, and was not asked for yet.
  ///
  /// A key whose block is one use has each of them wait: else a crash would lose the next one whenever it comes.
  var runsLow: Bool { !hasAsked && isLow }

  /// Whether to ask for more now, which counts as asked for.
  mutating func asksOnce() -> Bool {
    guard runsLow else { return false }
    hasAsked = true
    return true
  }

  /// Nothing is low before the first use of a period.
  private var isLow: Bool {
    guard let limit, limit.block > 1, used > 0 else { return false }
    return reserved < limit.total && reserved - used <= limit.block / 2
  }

  /// What to have the store reserve before it is needed; nil where there is enough.
  mutating func reservation(for key: KeyID, at now: Instant) -> UseReservation? {
    guard let limit else { return nil }
    enter(limit.refill.period(at: now))
    guard isLow else { return nil }
    return reservation(for: key, limit, count: used + limit.block)
  }

  /// What to have the store reserve for uses that wait for it; nil where there is enough.
  /// - Parameter goal: uses of the period, once all of these are made.
  mutating func reservation(for key: KeyID, upTo goal: Int64, at now: Instant) -> UseReservation? {
    guard let limit else { return nil }
    enter(limit.refill.period(at: now))
    guard goal > reserved else { return nil }
    // What is reserved already may be used by others meanwhile.
    return reservation(for: key, limit, count: max(used + limit.block, reserved + goal - used))
  }

  private func reservation(for key: KeyID, _ limit: UseLimit, count: Int64) -> UseReservation {
    UseReservation(
      key: key, refill: limit.refill, period: period, count: max(reserved, min(limit.total, count)))
  }

  /// The store has a reservation.
  mutating func adopt(_ reservation: UseReservation) {
    hasAsked = false
    guard limit?.refill == reservation.refill, reservation.period == period else { return }
    reserved = max(reserved, reservation.count)
  }

  /// Grants nothing more, so that the store can be told how much was used and lose nothing.
  /// - Returns: nil where the store knows.
  mutating func close(_ key: KeyID) -> UseReservation? {
    guard let limit, reserved > used else { return nil }
    reserved = used
    return UseReservation(key: key, refill: limit.refill, period: period, count: used)
  }

  /// What is left at an instant, if none is used until then; nil for a key without a total.
  func usage(at instant: Instant) -> Usage? {
    guard let limit else { return nil }
    var meter = self
    meter.enter(limit.refill.period(at: instant))
    return Usage(
      remaining: max(0, limit.total - meter.used), refillTime: limit.refill.end(ofPeriod: meter.period))
  }

  /// A clock that has gone back stays in the period that was reached.
  private mutating func enter(_ period: Int64) {
    guard period > self.period else { return }
    self.period = period
    (used, reserved) = (carried, carried)
    carried = 0
  }
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
