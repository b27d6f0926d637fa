import KeywardCore
import TestSupport
import Testing

/// The rate of a key, by a clock moved by hand.
@Suite struct RateLimitTests {
  let clock = ManualClock()

  private func registry(_ limit: RateLimit, expireTime: Instant? = nil) throws -> Registry {
    let key = Key.sample(expireTime: expireTime, rateLimit: limit)
    return try Registry(store: FakeStore([StoredKey(key: key, digest: .sample(1), ordinal: 1)]))
  }

  private func use(_ registry: Registry) throws -> Validation {
    try #require(registry.validate(Secret.sample(1).presented, for: .chat, at: clock.now))
  }

  private func advance(microseconds: Int64) {
    clock.now = Instant(microseconds: clock.now.microseconds + microseconds)
  }

  @Test("A burst at once, then one use each interval, from its very microsecond on")
  func boundary() throws {
    let registry = try registry(RateLimit(count: 10, periodSeconds: 1, burst: 3))
    for _ in 1...3 { #expect(try use(registry).verdict == .valid) }
    let start = clock.now
    for number in 1...20 {
      let refused = try use(registry)
      let due = Instant(microseconds: start.microseconds + Int64(number) * 100_000)
      #expect(refused.verdict == .rateLimited && refused.retryTime == due && refused.subject?.validUntil == due)
      clock.now = Instant(microseconds: due.microseconds - 1)
      #expect(try use(registry).verdict == .rateLimited)
      clock.now = due
      #expect(try use(registry).verdict == .valid)
    }
    advance(microseconds: 1_000_000_000)
    for _ in 1...3 { #expect(try use(registry).verdict == .valid) }
    #expect(try use(registry).verdict == .rateLimited)
  }

  @Test("A limit of whole intervals admits what a leaking bucket does, at any instants", arguments: 0..<30)
  func model(_ seed: Int) throws {
    var generator = SampleGenerator(seed: UInt64(seed))
    let count = [1, 2, 4, 5, 10, 100].randomElement(using: &generator) ?? 1
    let period = Int64.random(in: 1...60, using: &generator)
    let burst = Int64.random(in: 1...Int64(count), using: &generator)
    let registry = try registry(RateLimit(count: Int64(count), periodSeconds: period, burst: burst))
    let interval = period * 1_000_000 / Int64(count)
    var level: Int64 = 0
    var last = clock.now.microseconds
    for _ in 0..<2000 {
      advance(microseconds: .random(in: 0...interval * 3 / 2, using: &generator))
      level = max(0, level - (clock.now.microseconds - last))
      last = clock.now.microseconds
      let fits = level + interval <= interval * burst
      if fits { level += interval }
      let validation = try use(registry)
      #expect(validation.verdict == (fits ? .valid : .rateLimited))
      if !fits {
        #expect(validation.retryTime?.microseconds == last + level + interval - interval * burst)
      }
    }
  }

  @Test("No rate that does not divide the period admits more than the sum of burst and rate")
  func rounding() throws {
    for (count, period, burst) in [(3, 1, 1), (7, 1, 7), (9999, 1, 1), (9973, 1, 50), (7, 3, 2)]
      as [(Int64, Int64, Int64)]
    {
      let registry = try registry(RateLimit(count: count, periodSeconds: period, burst: burst))
      let end = clock.now.adding(seconds: period)
      var granted: Int64 = 0
      while clock.now < end {
        let validation = try use(registry)
        if let retry = validation.retryTime { clock.now = retry } else { granted += 1 }
      }
      // A use at whole microseconds alone may come one too late.
      #expect(granted <= count + burst && granted + granted / 50 + 1 >= count, "\(count)/\(period): \(granted)")
    }
  }

  @Test("A clock that has gone back makes a key wait for a full bucket at most")
  func clockBack() throws {
    let registry = try registry(RateLimit(count: 2, periodSeconds: 10))
    for _ in 1...2 { #expect(try use(registry).verdict == .valid) }
    clock.advance(seconds: -86400)
    #expect(try use(registry).retryTime == clock.now.adding(seconds: 5))
    clock.now = .epoch
    #expect(try use(registry).retryTime == clock.now.adding(seconds: 5))
    clock.now = .latest
    #expect(try use(registry).verdict == .valid)
  }

  @Test("A limited key's VALID holds for one use, and a refusal no longer than the key")
  func validUntil() throws {
    let end = clock.now.adding(seconds: 3)
    let registry = try registry(RateLimit(count: 1, periodSeconds: 60), expireTime: end)
    #expect(try use(registry).subject?.validUntil == clock.now)
    let refused = try use(registry)
    #expect(refused.retryTime == clock.now.adding(seconds: 60) && refused.subject?.validUntil == end)
    clock.now = end
    #expect(try use(registry).verdict == .expired)
  }

  @Test("A question about a later instant takes no use, and asks for none")
  func asOf() throws {
    let registry = try registry(RateLimit(count: 1, periodSeconds: 60))
    for _ in 1...3 {
      let later = clock.now.adding(seconds: 1)
      let validation = try registry.validate(Secret.sample(1).presented, for: .chat, asOf: later, at: clock.now)
      #expect(validation.verdict == .valid && validation.subject?.validUntil == later)
    }
    #expect(try use(registry).verdict == .valid)
    #expect(
      try registry.validate(Secret.sample(1).presented, for: .chat, asOf: clock.now, at: clock.now).verdict == .valid)
  }

  @Test("Limits outside their ranges are told what is right")
  func ranges() {
    for (count, period, burst, text) in [
      (0, 1, nil, "rate_limit.count is 0: give 1 to 10000 for a period of 1 seconds"),
      (10_001, 1, nil, "rate_limit.count is 10001: give 1 to 10000 for a period of 1 seconds"),
      (1, 0, nil, "rate_limit.period is 0 seconds: give 1 second to 366 days"),
      (1, .max, nil, "rate_limit.period is 9223372036854775807 seconds: give 1 second to 366 days"),
      (5, 1, 6, "rate_limit.burst is 6: give 1 to the count, 5"),
      (5, 1, 0, "rate_limit.burst is 0: give 1 to the count, 5"), (.max, 60, nil, nil), (.min, 60, nil, nil),
    ] as [(Int64, Int64, Int64?, String?)] {
      let error = #expect(throws: DomainError.self) { try RateLimit(count: count, periodSeconds: period, burst: burst) }
      if let text { #expect(error?.message == text) }
    }
    for total in [0, -1, UseLimit.maxTotal + 1] {
      #expect(throws: DomainError.invalid(field: "use_limit.total", "is \(total): give 1 to 1000000000000")) {
        try UseLimit(total: total)
      }
    }
  }
}
