import Dispatch
import Glibc
import KeywardCore
import KeywardServer
import KeywardStore
import Logging
import Synchronization
import UnixSocket

/// Ends the daemon on SIGTERM and SIGINT: no more connections, answers to the calls that have come, the database
/// closed, exit status 0.
///
/// Concurrency: signals are handled on `queue`, where nothing else runs.
final class Shutdown: Sendable {
  private struct Running {
    let server: Server
    let store: SQLiteStore
  }

  private let log: Logger
  private let queue = DispatchQueue(label: "keyward.signals")
  private let running = Mutex<Running?>(nil)

  init(log: Logger) {
    self.log = log
  }

  /// From here on a signal is an event. One that comes before ``start(_:over:)`` ends the process at once, for then
  /// nobody waits for an answer yet.
  func watchSignals() {
    // A log whose reader has gone ends nothing.
    signal(SIGPIPE, SIG_IGN)
    let registered = DispatchSemaphore(value: 0)
    for number in [SIGTERM, SIGINT] {
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setRegistrationHandler { registered.signal() }
      // The handler keeps the source, and so itself, for the rest of the process's life.
      source.setEventHandler { [self] in withExtendedLifetime(source) { received(number) } }
      source.activate()
    }
    // Dispatch takes a signal over some time after the source was activated. One that comes before ends the process,
    // and so does one that comes before the server is started.
    for _ in 0..<2 { registered.wait() }
  }

  /// Starts the server, so that a signal finds it either not begun or to be drained.
  func start(_ server: Server, over store: SQLiteStore) {
    queue.sync {
      server.start()
      running.withLock { $0 = Running(server: server, store: store) }
    }
  }

  private func received(_ number: Int32) {
    log.notice("stopping", metadata: ["signal": number == SIGTERM ? "SIGTERM" : "SIGINT"])
    ServiceManager.notify("STOPPING=1")
    var told: Logger.Metadata = [:]
    if let running = running.withLock({ $0 }) {
      running.server.stop()
      let head = running.server.auditHead
      told = ["audit_revision": "\(head.revision)", "audit_hash": "\(head.hashText)"]
      running.store.close()
    }
    log.notice("stopped", metadata: told)
    exit(EX_OK)
  }
}
