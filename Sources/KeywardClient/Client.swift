public import KeywardCore
import KeywardWire
import UnixSocket

/// A connection to keywardd.
///
/// Nothing is sent before the kernel has said who made the socket: a daemon of root, of the caller or of the expected
/// user is trusted with secrets, and no other.
///
/// Concurrency: one thread at a time; every call blocks until its reply is here or its time has passed. After an
/// error other than ``ClientError/refused(_:_:)`` the connection is of no more use: make another.
public final class Client {
  /// How to reach the daemon, and whom to take for it.
  public struct Options: Sendable {
    /// The socket's path, at most 107 bytes.
    public var socketPath: String
    /// The user, besides root and the caller, whose socket is trusted.
    public var expectedUser: String
    /// Milliseconds that one call may take, 1 to a day.
    public var timeoutMilliseconds: Int

    public init(
      socketPath: String = "/run/keyward/keyward.sock", expectedUser: String = "keyward",
      timeoutMilliseconds: Int = 30_000
    ) {
      self.socketPath = socketPath
      self.expectedUser = expectedUser
      self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// At most a day, which is for ever and overflows nothing.
    var boundedTimeoutMilliseconds: Int { min(max(1, timeoutMilliseconds), 86_400_000) }
  }

  private let channel: Channel
  /// The store's revision as the last reply told it: what that reply said holds every change up to there. 0 where no
  /// reply has told one.
  public private(set) var revision: Revision = 0

  /// Connects.
  /// - Throws: ``ClientError/unreachable(_:)``, ``ClientError/untrusted(_:)``.
  public init(_ options: Options = Options()) throws(ClientError) {
    channel = try Channel(options)
  }

  /// One key by its id.
  public func key(id: KeyID) throws(ClientError) -> KeyView { try key(.id(id)) }

  /// One key by its exact name.
  public func key(name: KeyName) throws(ClientError) -> KeyView { try key(.name(name)) }

  private func key(_ selector: KeySelector) throws(ClientError) -> KeyView {
    guard case .getKey(let key, _) = try call(.getKey(selector)) else { throw .otherReply }
    return key
  }

  /// One page of keys, in the order of their creation.
  public func listKeys(_ query: ListQuery) throws(ClientError) -> KeyPage {
    guard case .listKeys(let page, _) = try call(.listKeys(query)) else { throw .otherReply }
    return page
  }

  /// One page of the audit, the latest events first.
  public func listAuditEvents(_ query: AuditPageQuery) throws(ClientError) -> AuditPage {
    guard case .listAuditEvents(let page, _) = try call(.listAuditEvents(query)) else { throw .otherReply }
    return page
  }

  /// Walks along the whole audit, which may take minutes: give the client a ``Options/timeoutMilliseconds`` for that.
  public func verifyAudit() throws(ClientError) -> AuditSummary {
    guard case .verifyAudit(let summary, _) = try call(.verifyAudit) else { throw .otherReply }
    return summary
  }

  /// Judges a secret.
  /// - Parameter later: the instant to judge by, not before now; nil for now.
  public func validate(
    _ secret: Secret, for permission: Permission, asOf later: Instant? = nil
  ) throws(ClientError) -> Validation {
    guard case .validateKey(let validation) = try call(.validateKey(secret, permission, asOf: later)) else {
      throw .otherReply
    }
    return validation
  }

  /// How many secrets one call may judge.
  public static let maxBatchCount = 100

  /// Judges 1 to ``maxBatchCount`` secrets, each by itself; the verdicts come in their order.
  /// - Parameter later: as for one secret.
  public func validate(
    _ questions: [(secret: Secret, permission: Permission)], asOf later: Instant? = nil
  ) throws(ClientError) -> [Validation] {
    guard case .validateKeys(let validations, _) = try call(.validateKeys(questions, asOf: later)),
      validations.count == questions.count
    else { throw .otherReply }
    return validations
  }

  /// Who the caller is to the daemon.
  public func whoAmI() throws(ClientError) -> Identity {
    guard case .whoAmI(let identity, _) = try call(.whoAmI) else { throw .otherReply }
    return identity
  }

  /// How the daemon is.
  public func status() throws(ClientError) -> ServiceStatus {
    guard case .getStatus(let status) = try call(.getStatus) else { throw .otherReply }
    return status
  }

  /// Has the daemon read its configuration anew. When this returns, that is in force, for open connections too.
  /// - Throws: ``ClientError/refused(_:_:)`` with FAILED_PRECONDITION and the place of the mistake where there is one;
  ///   the configuration before then stays in force.
  public func reload() throws(ClientError) {
    guard case .reload = try call(.reload) else { throw .otherReply }
  }

  func call(_ request: OutgoingRequest) throws(ClientError) -> Reply {
    let reply = try channel.call(request)
    if let told = reply.revision { revision = told }
    return reply
  }
}

extension ClientError {
  static let otherReply = ClientError.protocolViolation("the daemon answered another question")
}
