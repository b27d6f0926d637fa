/// What puts an end to a key, or holds it up: all that its state depends on.
struct KeyEnds: Equatable {
  let isDeleted: Bool
  let revokeTime: Instant?
  let expireTime: Instant?
  let enabled: Bool

  func state(at instant: Instant) -> State {
    if isDeleted { return .deleted }
    if let revokeTime, revokeTime <= instant { return .revoked }
    if let expireTime, expireTime <= instant { return .expired }
    return enabled ? .active : .disabled
  }

  /// - Parameter soonEnd: the end of the window in which a key counts as soon unavailable.
  func availability(at instant: Instant, soonEnd: Instant) -> Availability {
    guard state(at: instant) == .active else { return .unavailable }
    let end = min(revokeTime ?? .distantFuture, expireTime ?? .distantFuture)
    return end != .distantFuture && end <= soonEnd ? .soonUnavailable : .available
  }

  /// The next instant at which time alone will change the state, nil where none will.
  func nextTransition(after instant: Instant) -> Instant? {
    switch state(at: instant) {
    case .deleted, .revoked: return nil
    case .expired, .disabled, .active: break
    }
    let revocation = revokeTime.flatMap { $0 > instant ? $0 : nil }
    let expiry = expireTime.flatMap { $0 > instant ? $0 : nil }
    guard let revocation, let expiry else { return revocation ?? expiry }
    return min(revocation, expiry)
  }
}
