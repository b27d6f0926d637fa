/// What happened to a key.
public enum ChangeType: UInt8, Sendable, CaseIterable {
  case created = 1
  /// Renamed, or its expiry set.
  case updated = 2
  case enabled = 3
  case disabled = 4
  /// Its expire time has come.
  case expired = 5
  /// Revoked, or its revoke time has come.
  case revoked = 6
  /// It will be unavailable within the window.
  case soonUnavailable = 7
  case deleted = 8
  case undeleted = 9
  /// Gone for good.
  case purged = 10
  /// Given a new secret.
  case rotated = 11
  /// Taken over from another system.
  case imported = 12

  public var name: String {
    switch self {
    case .created: "created"
    case .updated: "updated"
    case .enabled: "enabled"
    case .disabled: "disabled"
    case .expired: "expired"
    case .revoked: "revoked"
    case .soonUnavailable: "soon-unavailable"
    case .deleted: "deleted"
    case .undeleted: "undeleted"
    case .purged: "purged"
    case .rotated: "rotated"
    case .imported: "imported"
    }
  }
}
