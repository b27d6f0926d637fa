import CommandSupport
import Dispatch
import Glibc
import KeywardCore
import KeywardServer
import KeywardStore
import Logging
import UnixSocket

/// Runs the daemon until a signal ends it. Does not return unless it cannot start.
///
/// The order matters: the store is opened first, because its lock is what keeps a second daemon out; the socket comes
/// last, so that nobody is answered before everything stands.
/// - Parameter reread: reads the configuration anew. May block.
func serve(
  _ configuration: Configuration, rereading reread: @escaping Reloader.Read
) throws(StartError) -> Never {
  let threshold = LogThreshold(configuration.logLevel)
  let log = Logger(label: "keywardd") { _ in
    LogfmtHandler(threshold: threshold, toJournal: ServiceManager.logsToJournal, now: Clock.system.now)
  }
  let reloader = Reloader(configuration, threshold: threshold, log: log, read: reread)
  reloader.watchSignal()
  let shutdown = Shutdown(log: log)
  shutdown.watchSignals()
  let descriptors = try guardProcess()

  let began = Clock.system.monotonicNanoseconds()
  let store = try openStore(configuration.databasePath)
  let registry = try load(store, configuration.soonWindow)
  let loaded = Clock.system.monotonicNanoseconds()
  let socket = try listeningSocket(configuration)
  let place = socket.path ?? "a socket passed in"

  var options = Server.Options(
    reactorCount: ProcessGuard.usableProcessors, version: version, log: log,
    ownUID: ProcessGuard.effectiveUser)
  options.grants = configuration.grants
  options.busyPollNanoseconds = configuration.busyPoll.nanoseconds
  options.limits = configuration.limits
  options.reload = { peer, done in reloader.ask("uid \(peer.uid)", done) }
  // Some are kept for the store, the reactors and whatever the libraries open.
  options.limits.connections = min(options.limits.connections, max(16, descriptors - 64))
  let server: Server
  do throws(SystemError) {
    server = try Server(registry, at: socket, options)
  } catch {
    throw StartError(error)
  }
  shutdown.start(server, over: store)
  log.notice(
    "ready",
    metadata: [
      "version": "\(version)", "socket": "\(place)", "database": "\(configuration.databasePath)",
      "keys": "\(registry.keyCount)", "revision": "\(registry.revision)",
      "audit_hash": "\(registry.auditHead.hashText)",
      "grants": "\(configuration.grants.count)", "load_ms": "\((loaded - began) / 1_000_000)",
      "reactors": "\(options.reactorCount)",
    ])
  // Most of them were needed for the start alone.
  ProcessGuard.releaseProgramPages()
  ServiceManager.notify("READY=1")
  // A reload that was asked for by now comes after it: systemd takes RELOADING=1 of a service that is ready.
  reloader.arm { configuration in
    server.adopt(configuration.grants)
    server.adopt(configuration.soonWindow)
  }
  dispatchMain()
}

/// Fewer than these would leave too few for connections, and libdispatch aborts where it gets none.
private let minDescriptors = 64

/// Sets the process up before it holds a secret.
/// - Returns: how many descriptors it may have.
private func guardProcess() throws(StartError) -> Int {
  let tellsPeersApart: Bool
  do throws(SystemError) {
    try ProcessGuard.forbidCoreDumps()
    tellsPeersApart = try ProcessGuard.hasIdentityMaps()
  } catch {
    throw StartError(error)
  }
  guard tellsPeersApart else {
    throw StartError(
      "this user namespace does not map every user and group to itself, so peers cannot be told apart: run keywardd"
        + " outside it (systemd: PrivateUsers=no)", status: EX_CONFIG)
  }
  umask(0o077)
  let descriptors = ProcessGuard.raiseDescriptorLimit()
  guard descriptors >= minDescriptors else {
    throw StartError(
      "this process may have only \(descriptors) files open: let it have \(minDescriptors) at least (systemd:"
        + " LimitNOFILE=)", status: EX_CONFIG)
  }
  return descriptors
}

func openStore(_ path: String) throws(StartError) -> SQLiteStore {
  do throws(StoreOpenError) {
    return try SQLiteStore(path: path)
  } catch {
    throw StartError(error)
  }
}

private func load(_ store: SQLiteStore, _ soonWindow: SoonWindow) throws(StartError) -> Registry {
  do throws(StoreError) {
    defer {
      // What loading alone needed.
      ProcessGuard.releaseFreeMemory()
      // Nobody waits for what loading touches, but validations do for a key that comes later.
      ProcessGuard.useSmallPages()
    }
    return try Registry(store: store, soonWindow: soonWindow)
  } catch {
    throw StartError("the database cannot be loaded: \(error.message)", status: EX_DATAERR)
  }
}

/// The socket that systemd passed, else one made at the configured path.
private func listeningSocket(_ configuration: Configuration) throws(StartError) -> ListeningSocket {
  let passed = ServiceManager.passedSockets()
  guard passed.count <= 1 else {
    throw StartError(
      "systemd passed \(passed.count) sockets: give keyward.socket one ListenStream=", status: EX_CONFIG)
  }
  do throws(ListenError) {
    guard let fd = passed.first else { return try ListeningSocket(at: configuration.socketPath) }
    let socket = try ListeningSocket(passed: Descriptor(owning: fd))
    if configuration.sources.socketPath != .standard, !socket.isAt(configuration.socketPath) {
      throw ListenError.contradiction(configuration.socketPath, passed: socket.path)
    }
    return socket
  } catch {
    throw StartError(error)
  }
}
