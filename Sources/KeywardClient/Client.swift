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
  }

  private let channel: Channel

  /// Connects.
  /// - Throws: ``ClientError/unreachable(_:)``, ``ClientError/untrusted(_:)``.
  public init(_ options: Options = Options()) throws(ClientError) {
    channel = try Channel(options)
  }

  /// Makes a key. Its secret is told this once.
  public func createKey(_ request: CreateKey) throws(ClientError) -> (key: KeyView, secret: Secret) {
    guard case .createKey(let key, let secret) = try channel.call(.createKey(request)) else { throw .otherReply }
    return (key, secret)
  }

  /// One key by its id.
  public func key(id: KeyID) throws(ClientError) -> KeyView { try key(.id(id)) }

  /// One key by its exact name.
  public func key(name: KeyName) throws(ClientError) -> KeyView { try key(.name(name)) }

  private func key(_ selector: KeySelector) throws(ClientError) -> KeyView {
    guard case .getKey(let key) = try channel.call(.getKey(selector)) else { throw .otherReply }
    return key
  }

  /// One page of keys, in the order of their creation.
  public func listKeys(_ query: ListQuery) throws(ClientError) -> KeyPage {
    guard case .listKeys(let page) = try channel.call(.listKeys(query)) else { throw .otherReply }
    return page
  }

  /// Judges a secret.
  public func validate(_ secret: Secret, for permission: Permission) throws(ClientError) -> Validation {
    guard case .validateKey(let validation) = try channel.call(.validateKey(secret, permission)) else {
      throw .otherReply
    }
    return validation
  }

  /// Who the caller is to the daemon.
  public func whoAmI() throws(ClientError) -> Identity {
    guard case .whoAmI(let identity) = try channel.call(.whoAmI) else { throw .otherReply }
    return identity
  }

  /// How the daemon is.
  public func status() throws(ClientError) -> ServiceStatus {
    guard case .getStatus(let status) = try channel.call(.getStatus) else { throw .otherReply }
    return status
  }

  /// Has the daemon read its configuration anew. When this returns, that is in force, for open connections too.
  /// - Throws: ``ClientError/refused(_:_:)`` with FAILED_PRECONDITION and the place of the mistake where there is one;
  ///   the configuration before then stays in force.
  public func reload() throws(ClientError) {
    guard case .reload = try channel.call(.reload) else { throw .otherReply }
  }
}

extension ClientError {
  fileprivate static let otherReply = ClientError.protocolViolation("the daemon answered another question")
}
