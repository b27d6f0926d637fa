import Dispatch
import KeywardCore
import Logging
import UnixSocket

/// Takes connections, finds out who each is from before its first byte is read, and deals them out to the reactors.
///
/// Concurrency: confined to `queue`, but for ``stop()``; that is what makes it `@unchecked Sendable`.
final class Listener: @unchecked Sendable {
  private let socket: ListeningSocket
  private let reactors: [Reactor]
  private let authority: Authority
  private let census: Census
  private let log: Logger
  private let throttle: Throttle
  private let queue = DispatchQueue(label: "keyward.listener")
  private let source: any DispatchSourceRead
  private var nextReactor = 0
  private var isSuspended = false
  private let stopped = DispatchSemaphore(value: 0)

  /// Connections taken before others on the queue have a turn.
  private static let acceptLimit = 64
  /// How long to wait for a descriptor when the process has none left.
  private static let pause = DispatchTimeInterval.milliseconds(100)

  init(
    _ socket: consuming ListeningSocket, reactors: [Reactor], authority: Authority, census: Census, clock: Clock,
    log: Logger
  ) {
    self.reactors = reactors
    self.authority = authority
    self.census = census
    self.log = log
    throttle = Throttle(clock: clock)
    source = DispatchSource.makeReadSource(fileDescriptor: socket.descriptor.rawValue, queue: queue)
    self.socket = socket
  }

  func start() {
    source.setEventHandler { [self] in acceptWaiting(limit: Self.acceptLimit) }
    source.setCancelHandler { [stopped] in stopped.signal() }
    source.activate()
  }

  /// Takes no more connections, and returns when the last one taken has been dealt out. Those that wait at a socket of
  /// our own are taken first, for nobody else will; at one that was passed in they wait for the next daemon.
  func stop() {
    queue.sync {
      socket.removeFile()
      if socket.isOwn, !isSuspended { acceptWaiting(limit: Int(ListeningSocket.backlog)) }
      source.cancel()
      goOn()
    }
    stopped.wait()
  }

  private func acceptWaiting(limit: Int) {
    for _ in 0..<limit {
      do throws(SystemError) {
        guard let descriptor = try socket.accept() else { return }
        try welcome(descriptor)
      } catch {
        complain("connection not taken", reason: "\(error)")
        // Out of descriptors or memory: the connection waits in the backlog, and trying again at once would spin.
        isSuspended = true
        source.suspend()
        queue.asyncAfter(deadline: .now() + Self.pause) { [self] in goOn() }
        return
      }
    }
  }

  /// A suspended source delivers nothing, its cancellation included.
  private func goOn() {
    guard isSuspended else { return }
    isSuspended = false
    source.resume()
  }

  private func welcome(_ descriptor: consuming Descriptor) throws(SystemError) {
    let credentials = try PeerCredentials(of: descriptor)
    let peer = Peer(uid: credentials.uid, gids: credentials.gids, pid: credentials.pid)
    guard census.enter(peer) else {
      // Closed at once, which the peer sees as the end of the connection.
      complain("connection refused", reason: "too many connections", uid: peer.uid)
      return
    }
    let reactor = reactors[nextReactor]
    nextReactor = (nextReactor + 1) % reactors.count
    reactor.post(.adopt(descriptor.release(), Caller(peer, authority: authority)))
  }

  private func complain(_ event: Logger.Message, reason: String, uid: UInt32? = nil) {
    guard let suppressed = throttle.admit() else { return }
    var metadata: Logger.Metadata = ["reason": "\(reason)", "suppressed": "\(suppressed)"]
    if let uid { metadata["uid"] = "\(uid)" }
    log.warning(event, metadata: metadata)
  }
}
