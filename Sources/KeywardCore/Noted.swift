/// What the sweeper has recorded of a key's coming and past ends: for each kind, the end that was recorded. An end
/// that is moved is recorded anew.
public struct Noted: Sendable, Hashable {
  /// The expire time whose coming was recorded.
  public var expired: Instant?
  /// The revoke time whose coming was recorded.
  public var revoked: Instant?
  /// The end that was warned of.
  public var soon: Instant?

  public init(expired: Instant? = nil, revoked: Instant? = nil, soon: Instant? = nil) {
    self.expired = expired
    self.revoked = revoked
    self.soon = soon
  }

  public static let nothing = Noted()
}

/// One thing that time has done to a key and that is still to be recorded.
struct DueEvent: Equatable {
  let type: ChangeType
  /// The key with the event noted; nil for one that is to be purged.
  let after: Key?
}

extension Key {
  /// The end that is warned of: the earlier of expiry and revocation, for a key that is active.
  private var end: Instant? {
    guard let expireTime, let revokeTime else { return expireTime ?? revokeTime }
    return min(expireTime, revokeTime)
  }

  /// What has come due by an instant and is not recorded, the first thing first.
  func nextDueEvent(at now: Instant, window: SoonWindow) -> DueEvent? {
    if deleteTime != nil {
      return purgeTime.map { $0 <= now } ?? false ? DueEvent(type: .purged, after: nil) : nil
    }
    if let expiry = expiryToNote, expiry <= now { return event(.expired) { $0.expired = expiry } }
    if let revokeTime, revokeTime <= now {
      return noted.revoked == revokeTime ? nil : event(.revoked) { $0.revoked = revokeTime }
    }
    if let end = endToWarnOf(at: now), window.start(of: end) <= now {
      return event(.soonUnavailable) { $0.soon = end }
    }
    return nil
  }

  /// The instant from which on ``nextDueEvent(at:window:)`` may tell of something, `now` where it does already; nil
  /// for never.
  func nextAttention(after now: Instant, window: SoonWindow) -> Instant? {
    if deleteTime != nil { return purgeTime.map { max($0, now) } }
    let revocation = noted.revoked == revokeTime ? nil : revokeTime
    let warning = endToWarnOf(at: now).map { window.start(of: $0) }
    let first = min(expiryToNote ?? .distantFuture, revocation ?? .distantFuture, warning ?? .distantFuture)
    return first == .distantFuture ? nil : max(first, now)
  }

  /// The expiry that is still to be recorded, unless the key is revoked before: then nothing changes with it.
  private var expiryToNote: Instant? {
    guard let expireTime, noted.expired != expireTime else { return nil }
    guard let revokeTime else { return expireTime }
    return expireTime < revokeTime && noted.revoked != revokeTime ? expireTime : nil
  }

  /// The end that is still to be warned of; none of a key that is not active.
  private func endToWarnOf(at now: Instant) -> Instant? {
    guard enabled, let end, end > now, noted.soon != end else { return nil }
    return end
  }

  private func event(_ type: ChangeType, _ note: (inout Noted) -> Void) -> DueEvent {
    var after = self
    note(&after.noted)
    return DueEvent(type: type, after: after)
  }
}
