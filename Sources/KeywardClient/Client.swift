public import KeywardCore

/// A connection to keywardd.
///
/// Concurrency: one thread at a time; every call blocks until its reply is here or its timeout has passed.
public final class Client {
  /// How to reach the daemon, and whom to take for it.
  public struct Options: Sendable {
    /// The socket's path, at most 107 bytes.
    public var socketPath: String
    /// The user, besides root and the caller, whose socket is trusted.
    public var expectedUser: String
    /// Milliseconds that one call may take.
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

  public init(_ options: Options = Options()) throws(ClientError) {
    throw .unreachable("not built yet")
  }

  /// Makes a key. Its secret is told this once.
  public func createKey(_ request: CreateKey) throws(ClientError) -> (key: KeyView, secret: Secret) {
    throw .unreachable("not built yet")
  }

  /// One key by its id.
  public func key(id: KeyID) throws(ClientError) -> KeyView { throw .unreachable("not built yet") }

  /// One key by its exact name.
  public func key(name: KeyName) throws(ClientError) -> KeyView { throw .unreachable("not built yet") }

  /// One page of keys, in the order of their creation.
  public func listKeys(_ query: ListQuery) throws(ClientError) -> KeyPage { throw .unreachable("not built yet") }

  /// Judges a secret.
  public func validate(_ secret: Secret, for permission: Permission) throws(ClientError) -> Validation {
    throw .unreachable("not built yet")
  }

  /// Who the caller is to the daemon.
  public func whoAmI() throws(ClientError) -> Identity { throw .unreachable("not built yet") }

  /// How the daemon is.
  public func status() throws(ClientError) -> ServiceStatus { throw .unreachable("not built yet") }
}
