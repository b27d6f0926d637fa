/// A change that a peer asks for.
public enum Command: Sendable {
  case create(CreateKey, by: Actor)
}

/// A key to make.
public struct CreateKey: Sendable, Equatable {
  public let name: KeyName
  public let permission: Permission
  public let enabled: Bool
  /// Later than the instant of the call; nil means never.
  public let expireTime: Instant?

  public init(name: KeyName, permission: Permission, enabled: Bool = true, expireTime: Instant? = nil) {
    self.name = name
    self.permission = permission
    self.enabled = enabled
    self.expireTime = expireTime
  }
}

/// What a command came to.
public enum Outcome: Sendable {
  case created(KeyView, Secret)
}
