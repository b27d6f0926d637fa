import KeywardCore
import TestSupport
import Testing

private let now = Instant.noon
private let before = now.adding(seconds: -1)
private let after = now.adding(seconds: 1)

@Suite struct StateTests {
  @Test("Each state, at the very instant it begins")
  func edges() {
    #expect(Key.sample().state(at: now) == .active)
    #expect(Key.sample(enabled: false).state(at: now) == .disabled)
    #expect(Key.sample(expireTime: now).state(at: now) == .expired)
    #expect(Key.sample(expireTime: now).state(at: Instant(microseconds: now.microseconds - 1)) == .active)
    #expect(Key.sample(revokeTime: now).state(at: now) == .revoked)
    #expect(Key.sample(revokeTime: now).state(at: Instant(microseconds: now.microseconds - 1)) == .active)
    #expect(Key.sample(deleteTime: now).state(at: now) == .deleted)
  }

  @Test("Of several states the first of deleted, revoked, expired, disabled holds")
  func precedence() {
    #expect(
      Key.sample(enabled: false, expireTime: before, revokeTime: before, deleteTime: before).state(at: now) == .deleted)
    #expect(Key.sample(enabled: false, expireTime: before, revokeTime: before).state(at: now) == .revoked)
    #expect(Key.sample(enabled: false, expireTime: before, revokeTime: after).state(at: now) == .expired)
    #expect(Key.sample(enabled: false, expireTime: after, revokeTime: after).state(at: now) == .disabled)
    #expect(Key.sample(expireTime: after, revokeTime: after).state(at: now) == .active)
  }

  @Test("A deleted key is deleted, whatever instant one asks about")
  func deletedAlways() {
    #expect(Key.sample(deleteTime: after).state(at: now) == .deleted)
  }
}

@Suite struct AvailabilityTests {
  @Test(
    "Any state but active is unavailable",
    arguments: [
      Key.sample(enabled: false), .sample(expireTime: now), .sample(revokeTime: now), .sample(deleteTime: now),
      .sample(enabled: false, expireTime: after),
    ])
  func unavailable(_ key: Key) {
    #expect(key.availability(at: now) == .unavailable)
  }

  @Test("A key is soon unavailable from one calendar month before its end, to the microsecond")
  func window() throws {
    let end = try #require(Instant(rfc3339: "2027-02-28T12:00:00Z"))
    let opens = try #require(Instant(rfc3339: "2027-01-28T12:00:00Z"))
    for key in [Key.sample(expireTime: end), .sample(revokeTime: end)] {
      #expect(key.availability(at: Instant(microseconds: opens.microseconds - 1)) == .available)
      #expect(key.availability(at: opens) == .soonUnavailable)
      #expect(key.availability(at: Instant(microseconds: end.microseconds - 1)) == .soonUnavailable)
      #expect(key.availability(at: end) == .unavailable)
    }
  }

  @Test("On days that the month to come does not have the window reaches to its end, and no further")
  func monthEnd() throws {
    let last = try #require(Instant(rfc3339: "2027-02-28T23:59:59.999999Z"))
    for text in ["2027-01-29T00:00:00Z", "2027-01-31T12:00:00Z", "2027-01-31T23:59:59Z"] {
      let now = try #require(Instant(rfc3339: text))
      #expect(Key.sample(expireTime: last).availability(at: now) == .soonUnavailable)
      #expect(Key.sample(expireTime: Instant(microseconds: last.microseconds + 1)).availability(at: now) == .available)
    }
  }

  @Test("The nearer of two ends decides, and a key without an end is available")
  func nearer() {
    let far = now.adding(months: 6)
    #expect(Key.sample(expireTime: far, revokeTime: after).availability(at: now) == .soonUnavailable)
    #expect(Key.sample(expireTime: after, revokeTime: far).availability(at: now) == .soonUnavailable)
    #expect(Key.sample(expireTime: far, revokeTime: far).availability(at: now) == .available)
    #expect(Key.sample().availability(at: now) == .available)
  }
}

@Suite struct TransitionTests {
  @Test("The next transition is the nearest end still to come")
  func next() {
    let later = after.adding(seconds: 1)
    #expect(Key.sample().nextTransition(after: now) == nil)
    #expect(Key.sample(expireTime: after).nextTransition(after: now) == after)
    #expect(Key.sample(expireTime: later, revokeTime: after).nextTransition(after: now) == after)
    #expect(Key.sample(expireTime: after, revokeTime: later).nextTransition(after: now) == after)
    #expect(Key.sample(expireTime: now, revokeTime: later).nextTransition(after: now) == later, "expired, then revoked")
    #expect(Key.sample(expireTime: now).nextTransition(after: now) == nil)
    #expect(Key.sample(enabled: false, expireTime: after).nextTransition(after: now) == after)
  }

  @Test("Time alone changes no revoked and no deleted key")
  func final() {
    #expect(Key.sample(expireTime: after, revokeTime: now).nextTransition(after: now) == nil)
    #expect(Key.sample(expireTime: after, deleteTime: now).nextTransition(after: now) == nil)
  }

  @Test("A key's state holds until its next transition, and changes at it")
  func holds() {
    var generator = SampleGenerator(seed: 7)
    func time() -> Instant? {
      Bool.random(using: &generator) ? now.adding(seconds: .random(in: -5...5, using: &generator)) : nil
    }
    for _ in 0..<5000 {
      let key = Key.sample(enabled: .random(using: &generator), expireTime: time(), revokeTime: time())
      let state = key.state(at: now)
      let end = key.nextTransition(after: now)
      let last = end.map { Instant(microseconds: $0.microseconds - 1) } ?? now.adding(seconds: 100)
      #expect(key.state(at: last) == state)
      if let end { #expect(key.state(at: end) != state) }
    }
  }
}
