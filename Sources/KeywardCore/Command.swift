/// A change that somebody asks for.
public struct Command: Sendable {
  public let request: ChangeRequest
  public let actor: Actor

  public init(_ request: ChangeRequest, by actor: Actor) {
    self.request = request
    self.actor = actor
  }
}

/// A change as it is asked for.
public struct ChangeRequest: Sendable, Equatable {
  public enum Action: Sendable, Equatable {
    case create(CreateKey)
    case update(KeyID, KeyUpdate)
    case revoke(KeyID, Revocation)
    case delete(KeyID)
    case undelete(KeyID)
    case copy(KeyID, CopyKey)
    case rotate(KeyID, RotateKey)

    /// The key it is about; nil where it makes one out of nothing.
    var keyID: KeyID? {
      switch self {
      case .create: nil
      case .update(let id, _), .revoke(let id, _), .delete(let id), .undelete(let id), .copy(let id, _),
        .rotate(let id, _):
        id
      }
    }
  }

  public let action: Action
  /// The etag that the key must have, from ``Key/revision``; nil for whatever it has.
  public let etag: Revision?
  /// Names this attempt, so that trying again makes no second key; nil where that does not matter.
  public let requestID: RequestID?

  public init(_ action: Action, etag: Revision? = nil, requestID: RequestID? = nil) {
    self.action = action
    self.etag = etag
    self.requestID = requestID
  }
}

/// A key to make.
public struct CreateKey: Sendable, Equatable {
  public let name: KeyName
  public let permission: Permission
  public let enabled: Bool
  /// Later than the instant of the call; nil means never.
  public let expireTime: Instant?
  /// nil means none.
  public let rateLimit: RateLimit?
  /// nil means none.
  public let useLimit: UseLimit?

  public init(
    name: KeyName, permission: Permission, enabled: Bool = true, expireTime: Instant? = nil,
    rateLimit: RateLimit? = nil, useLimit: UseLimit? = nil
  ) {
    self.name = name
    self.permission = permission
    self.enabled = enabled
    self.expireTime = expireTime
    self.rateLimit = rateLimit
    self.useLimit = useLimit
  }
}

/// What of a key is to become what. What is nil stays as it is.
public struct KeyUpdate: Sendable, Equatable {
  public enum Expiry: Sendable, Equatable {
    case at(Instant)
    case never
  }

  /// What a limit is to be.
  public enum Limit<Value: Sendable & Equatable>: Sendable, Equatable {
    case of(Value)
    case lifted

    /// nil where it is to be none.
    public init(_ value: Value?) {
      self = value.map { .of($0) } ?? .lifted
    }

    /// nil where it is to be none.
    public var value: Value? { if case .of(let value) = self { value } else { nil } }
  }

  public let name: KeyName?
  public let enabled: Bool?
  public let expiry: Expiry?
  public let rateLimit: Limit<RateLimit>?
  public let useLimit: Limit<UseLimit>?

  public init(
    name: KeyName? = nil, enabled: Bool? = nil, expiry: Expiry? = nil, rateLimit: Limit<RateLimit>? = nil,
    useLimit: Limit<UseLimit>? = nil
  ) {
    self.name = name
    self.enabled = enabled
    self.expiry = expiry
    self.rateLimit = rateLimit
    self.useLimit = useLimit
  }
}

/// The end of a key, for good.
public struct Revocation: Sendable, Equatable {
  /// nil means now.
  public let time: Instant?
  public let reason: RevokeReason

  public init(time: Instant? = nil, reason: RevokeReason = .none) {
    self.time = time
    self.reason = reason
  }
}

/// A copy to make of a key.
public struct CopyKey: Sendable, Equatable {
  /// nil means the key's name with the next free `_N`.
  public let name: KeyName?

  public init(name: KeyName? = nil) {
    self.name = name
  }
}

/// A new secret for a key.
public struct RotateKey: Sendable, Equatable {
  /// Seconds that the old secret stays good, 0 to a year.
  public let graceSeconds: Int64

  public static let maxGraceSeconds: Int64 = 366 * 86400

  /// How many former secrets of one key may be good at once. A rotation with a grace that would make one more is
  /// refused; one without ends them all, and is always let through.
  public static let maxFormerCount = 8

  /// - Throws: ``DomainError/invalid(field:_:)`` outside that range.
  public init(graceSeconds: Int64) throws(DomainError) {
    guard (0...Self.maxGraceSeconds).contains(graceSeconds) else {
      throw .invalid(field: "grace_period", "is negative or longer than 366 days: give 0 to 366 days")
    }
    self.graceSeconds = graceSeconds
  }
}

/// What a command came to.
public struct Outcome: Sendable {
  /// The key as it is now.
  public let view: KeyView
  /// The secret that was made for it, told this once; nil where none was, and where the request was one before.
  public let secret: Secret?
  /// The store's revision with the change, or where nothing was to change, at the time.
  public let revision: Revision
  /// What happened to the key; nil where nothing did.
  public let change: ChangeType?
}
