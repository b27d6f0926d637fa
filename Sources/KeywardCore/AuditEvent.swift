/// What the audit says of one change.
public struct AuditEvent: Sendable, Equatable {
  /// The store's revision with the change.
  public let revision: Revision
  public let type: ChangeType
  public let time: Instant
  public let keyID: KeyID
  public let actor: Actor
  /// nil for a key just made.
  public let before: Key?
  /// nil for a key that is gone.
  public let after: Key?
  /// Until when the secrets that a rotation replaced are good, unless the key ends before; nil for any other change.
  public let graceEnd: Instant?

  public init(
    revision: Revision, type: ChangeType, time: Instant, keyID: KeyID, actor: Actor, before: Key?, after: Key?,
    graceEnd: Instant? = nil
  ) {
    self.revision = revision
    self.type = type
    self.time = time
    self.keyID = keyID
    self.actor = actor
    self.before = before
    self.after = after
    self.graceEnd = graceEnd
  }
}

/// An audit event for those who are to see it, with its keys as they were judged at its instant.
public struct AuditEventView: Sendable, Equatable {
  public let revision: Revision
  public let type: ChangeType
  public let time: Instant
  public let keyID: KeyID
  public let actor: Actor
  public let before: KeyView?
  public let after: KeyView?
  public let graceEnd: Instant?

  public init(
    revision: Revision, type: ChangeType, time: Instant, keyID: KeyID, actor: Actor, before: KeyView?,
    after: KeyView?, graceEnd: Instant? = nil
  ) {
    self.revision = revision
    self.type = type
    self.time = time
    self.keyID = keyID
    self.actor = actor
    self.before = before
    self.after = after
    self.graceEnd = graceEnd
  }

  public init(_ event: AuditEvent, _ window: SoonWindow) {
    func view(_ key: Key, at instant: Instant) -> KeyView {
      KeyView(key, at: instant, soonEnd: window.end(from: instant))
    }
    let before = event.before.map { key in
      // What time alone has ended is told as it was until then.
      let end = event.type == .expired ? key.expireTime : event.type == .revoked ? key.revokeTime : nil
      return view(key, at: end.map { min($0.adding(microseconds: -1), event.time) } ?? event.time)
    }
    self.init(
      revision: event.revision, type: event.type, time: event.time, keyID: event.keyID, actor: event.actor,
      before: before, after: event.after.map { view($0, at: event.time) }, graceEnd: event.graceEnd)
  }
}

/// Which audit events to tell, the latest first.
public struct AuditQuery: Sendable, Equatable {
  /// nil for any.
  public let keyID: KeyID?
  /// A user's name; nil for any.
  public let user: String?
  /// Empty for any.
  public let types: Set<ChangeType>
  /// From this instant on; nil from the first.
  public let start: Instant?
  /// Before this instant; nil to the last.
  public let end: Instant?

  public init(
    keyID: KeyID? = nil, user: String? = nil, types: Set<ChangeType> = [], start: Instant? = nil, end: Instant? = nil
  ) {
    self.keyID = keyID
    self.user = user
    self.types = types
    self.start = start
    self.end = end
  }
}
