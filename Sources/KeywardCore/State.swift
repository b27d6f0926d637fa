/// What a key is at one instant: the first of these, from the bottom up, that holds.
public enum State: UInt8, Sendable, CaseIterable {
  /// None of the others.
  case active = 1
  /// Switched off.
  case disabled = 2
  /// Its expire time has come.
  case expired = 3
  /// Its revoke time has come.
  case revoked = 4
  /// Deleted.
  case deleted = 5

  public var name: String {
    switch self {
    case .active: "active"
    case .disabled: "disabled"
    case .expired: "expired"
    case .revoked: "revoked"
    case .deleted: "deleted"
    }
  }
}

/// What a person filters keys by.
public enum Availability: UInt8, Sendable, CaseIterable {
  /// Active.
  case available = 1
  /// Active, and will be revoked or expire within one calendar month. A filter for ``available`` finds it too.
  case soonUnavailable = 2
  /// In any state but active.
  case unavailable = 3

  public var name: String {
    switch self {
    case .available: "available"
    case .soonUnavailable: "soon-unavailable"
    case .unavailable: "unavailable"
    }
  }
}
