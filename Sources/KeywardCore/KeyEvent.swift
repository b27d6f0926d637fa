/// One change as those are told who watch keys: what happened, and what the key is after it. Who did it is the audit's to
/// tell.
public struct KeyEvent: Sendable, Equatable {
  /// The store's revision with the change.
  public let revision: Revision
  public let type: ChangeType
  public let time: Instant
  /// The key after the change; as it was last for one that is gone.
  public let key: Key

  public init(revision: Revision, type: ChangeType, time: Instant, key: Key) {
    self.revision = revision
    self.type = type
    self.time = time
    self.key = key
  }

  /// What an event of the audit says of its key.
  /// - Returns: nil for one that says nothing of it, which no change leaves.
  public init?(_ event: AuditEvent) {
    guard let key = event.after ?? event.before else { return nil }
    self.init(revision: event.revision, type: event.type, time: event.time, key: key)
  }
}

/// A change for those who watch, with its key judged at the instant of the change.
public struct KeyEventView: Sendable, Equatable {
  public let revision: Revision
  public let type: ChangeType
  public let time: Instant
  /// Without what is left of its total and when its former secrets end, as in the audit.
  public let key: KeyView

  public init(revision: Revision, type: ChangeType, time: Instant, key: KeyView) {
    self.revision = revision
    self.type = type
    self.time = time
    self.key = key
  }

  public init(_ event: KeyEvent, _ window: SoonWindow) {
    self.init(
      revision: event.revision, type: event.type, time: event.time,
      key: KeyView(event.key, at: event.time, soonEnd: window.end(from: event.time)))
  }
}

/// What a watcher is told.
public enum WatchEvent: Sendable, Equatable {
  /// Every change up to this revision has been told, and the ones to come follow as they are made. Told once.
  case caughtUp(Revision)
  case change(KeyEventView)

  public var revision: Revision {
    switch self {
    case .caughtUp(let revision): revision
    case .change(let event): event.revision
    }
  }
}
