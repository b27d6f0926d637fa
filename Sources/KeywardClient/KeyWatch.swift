public import KeywardCore
import KeywardWire

/// Tells of changes of keys as they are made, in their order, over a connection of its own.
///
/// Whoever keeps what the daemon said may go by it from ``WatchEvent/caughtUp(_:)`` on, until an error ends the watch: then
/// changes may have been missed, until another watch, begun after ``revision``, has caught up.
///
/// Concurrency: one thread at a time. After an error it is of no more use.
public final class KeyWatch {
  private let call: StreamCall
  /// Every change up to there has been told: what to begin the next watch with. As it began until something was told.
  public private(set) var revision: Revision

  /// Connects and begins to watch.
  /// - Parameter revision: the last revision that was seen, for every change since; 0 for what comes from now on.
  /// - Throws: ``ClientError/unreachable(_:)``, ``ClientError/untrusted(_:)``. What the daemon refuses is told by
  ///   ``next(or:)``.
  public init(_ options: Client.Options = Client.Options(), after revision: Revision = 0) throws(ClientError) {
    call = try StreamCall(.watchKeys(after: revision), options)
    self.revision = revision
  }

  /// Whether an event is here already.
  public var hasPending: Bool { call.hasPending }

  /// Waits for the next event.
  /// - Parameter interruption: a descriptor that ends the wait once it can be read; negative for none.
  /// - Returns: nil where the wait was ended so.
  public func next(or interruption: Int32 = -1) throws(ClientError) -> WatchEvent? {
    guard let reply = try call.next(or: interruption) else { return nil }
    guard case .watchKeys(let event) = reply else { throw .otherReply }
    revision = event.revision
    return event
  }
}
