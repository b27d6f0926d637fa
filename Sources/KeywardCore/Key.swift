/// The number of changes a store has taken. Each change gets the next one; a key's is that of its last change, and
/// its etag.
public typealias Revision = Int64

/// A key's record: everything about it but the digest of its secret.
public struct Key: Sendable, Equatable {
  public let id: KeyID
  public var name: KeyName
  public let permission: Permission
  public var enabled: Bool
  /// nil means never.
  public var expireTime: Instant?
  /// nil means not revoked.
  public var revokeTime: Instant?
  /// Empty where there is no revoke time or no reason was given.
  public var revokeReason: String
  /// ``Secret/hint``.
  public var hint: String
  /// The user who made it.
  public let creator: String
  public let createTime: Instant
  /// The user who changed it last.
  public var updater: String
  public var updateTime: Instant
  /// nil means not yet.
  public var lastUsedTime: Instant?
  /// nil means not deleted.
  public var deleteTime: Instant?
  /// When a deleted key goes for good; nil where ``deleteTime`` is.
  public var purgeTime: Instant?
  /// The store's revision with the key's last change.
  public var revision: Revision
  /// The name that copies of it count on from: its own, or for a copy under a counted name, the first one's.
  public var copyBase: KeyName
  /// What the sweeper has recorded of its ends.
  public var noted: Noted
  /// nil means as often as anybody likes.
  public var rateLimit: RateLimit?
  /// nil means as many times as anybody likes.
  public var useLimit: UseLimit?

  public init(
    id: KeyID, name: KeyName, permission: Permission, enabled: Bool, expireTime: Instant?, revokeTime: Instant? = nil,
    revokeReason: String = "", hint: String, creator: String, createTime: Instant, updater: String,
    updateTime: Instant, lastUsedTime: Instant? = nil, deleteTime: Instant? = nil, purgeTime: Instant? = nil,
    revision: Revision, copyBase: KeyName? = nil, noted: Noted = .nothing, rateLimit: RateLimit? = nil,
    useLimit: UseLimit? = nil
  ) {
    self.id = id
    self.name = name
    self.permission = permission
    self.enabled = enabled
    self.expireTime = expireTime
    self.revokeTime = revokeTime
    self.revokeReason = revokeReason
    self.hint = hint
    self.creator = creator
    self.createTime = createTime
    self.updater = updater
    self.updateTime = updateTime
    self.lastUsedTime = lastUsedTime
    self.deleteTime = deleteTime
    self.purgeTime = purgeTime
    self.revision = revision
    self.copyBase = copyBase ?? name
    self.noted = noted
    self.rateLimit = rateLimit
    self.useLimit = useLimit
  }

  /// Whether a use of it is one less to come.
  public var isLimited: Bool { rateLimit != nil || useLimit != nil }

  private var ends: KeyEnds {
    KeyEnds(isDeleted: deleteTime != nil, revokeTime: revokeTime, expireTime: expireTime, enabled: enabled)
  }

  public func state(at instant: Instant) -> State { ends.state(at: instant) }

  /// - Parameter soonEnd: the end of the window in which a key counts as soon unavailable; nil for one calendar month.
  public func availability(at instant: Instant, soonEnd: Instant? = nil) -> Availability {
    ends.availability(at: instant, soonEnd: soonEnd ?? SoonWindow.oneMonth.end(from: instant))
  }

  /// The next instant at which time alone will change the key's state, nil where none will.
  public func nextTransition(after instant: Instant) -> Instant? { ends.nextTransition(after: instant) }
}

/// A key as it was judged at one instant, for those who are to see it.
public struct KeyView: Sendable, Equatable {
  public let key: Key
  public let state: State
  public let availability: Availability
  /// What is left of the key's total; nil for a key without one, and in the audit.
  public let usage: Usage?
  /// When each former secret that is still good ends, with the key at the latest; the first first. Such a secret is as
  /// good as the key's own. Lists and the audit tell none.
  public let formerSecretEnds: [Instant]

  public init(
    key: Key, state: State, availability: Availability, usage: Usage? = nil, formerSecretEnds: [Instant] = []
  ) {
    self.key = key
    self.state = state
    self.availability = availability
    self.usage = usage
    self.formerSecretEnds = formerSecretEnds
  }

  /// - Parameters:
  ///   - soonEnd: as for ``Key/availability(at:soonEnd:)``.
  ///   - formerEnds: when each former secret ends or has ended, in no order.
  public init(
    _ key: Key, at instant: Instant, soonEnd: Instant? = nil, usage: Usage? = nil, formerEnds: [Instant] = []
  ) {
    let keyEnd = min(key.expireTime ?? .distantFuture, key.revokeTime ?? .distantFuture)
    self.init(
      key: key, state: key.state(at: instant), availability: key.availability(at: instant, soonEnd: soonEnd),
      usage: usage, formerSecretEnds: formerEnds.map { min($0, keyEnd) }.filter { $0 > instant }.sorted())
  }

  func with(_ usage: Usage?) -> KeyView {
    KeyView(
      key: key, state: state, availability: availability, usage: usage, formerSecretEnds: formerSecretEnds)
  }
}
