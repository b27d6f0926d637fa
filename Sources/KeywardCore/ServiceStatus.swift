/// How a daemon is.
public struct ServiceStatus: Sendable, Equatable {
  public let version: String
  public let pid: Int32
  public let startTime: Instant
  /// The instant by which the daemon judges keys.
  public let currentTime: Instant
  public let revision: Revision
  /// Deleted keys are not counted.
  public let keyCount: Int
  public let connectionCount: Int
  /// Calls that have come since the start.
  public let callCount: Int
  /// Those of them that were refused for lack of a right.
  public let refusedCallCount: Int
  /// The newest row of the audit.
  public let auditHead: AuditHead

  public init(
    version: String, pid: Int32, startTime: Instant, currentTime: Instant, revision: Revision, keyCount: Int,
    connectionCount: Int, callCount: Int, refusedCallCount: Int,
    auditHead: AuditHead = AuditHead(revision: 0, hash: nil)
  ) {
    self.version = version
    self.pid = pid
    self.startTime = startTime
    self.currentTime = currentTime
    self.revision = revision
    self.keyCount = keyCount
    self.connectionCount = connectionCount
    self.callCount = callCount
    self.refusedCallCount = refusedCallCount
    self.auditHead = auditHead
  }
}

/// Who a peer is to the daemon.
public struct Identity: Sendable, Equatable {
  public let peer: Peer
  /// The user's name; the number where it has none.
  public let user: String
  public let rights: Rights

  public init(peer: Peer, user: String, rights: Rights) {
    self.peer = peer
    self.user = user
    self.rights = rights
  }
}
