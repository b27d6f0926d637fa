/// A secret to judge.
public struct Question: Sendable, Equatable {
  public let secret: PresentedSecret
  public let permission: Permission
  /// The later instant to judge by, which uses nothing; nil for now.
  public let asOf: Instant?

  public init(secret: PresentedSecret, permission: Permission, asOf: Instant? = nil) {
    self.secret = secret
    self.permission = permission
    self.asOf = asOf
  }
}
