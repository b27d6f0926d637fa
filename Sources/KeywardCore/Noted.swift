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
    if let purgeTime, deleteTime != nil { return purgeTime <= now ? DueEvent(type: .purged, after: nil) : nil }
    if let revokeTime, revokeTime <= now {
      return noted.revoked == revokeTime ? nil : event(.revoked) { $0.revoked = revokeTime }
    }
    if let expireTime, expireTime <= now {
      return noted.expired == expireTime ? nil : event(.expired) { $0.expired = expireTime }
    }
    if enabled, let end, end <= window.end(from: now), noted.soon != end {
      return event(.soonUnavailable) { $0.soon = end }
    }
    return nil
  }

  /// The next instant at which there may be something to record; nil for never.
  func nextAttention(after now: Instant, window: SoonWindow) -> Instant? {
    if deleteTime != nil { return purgeTime }
    if let revokeTime, revokeTime <= now { return nil }
    // An expired key may still come to its revoke time.
    let ends = [revokeTime, expireTime].compactMap { $0 }.filter { $0 > now }
    guard let next = ends.min() else { return nil }
    guard enabled, let end, noted.soon != end else { return next }
    return min(next, max(now, window.start(of: end)))
  }

  private func event(_ type: ChangeType, _ note: (inout Noted) -> Void) -> DueEvent {
    var after = self
    note(&after.noted)
    return DueEvent(type: type, after: after)
  }
}
