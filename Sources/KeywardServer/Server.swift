import Dispatch
package import KeywardCore
package import Logging
package import UnixSocket

/// What came of reading the configuration anew.
package enum ReloadOutcome: Sendable {
  /// It is in force.
  case inForce
  /// It has a mistake, told here with its place, and the one before stays in force.
  case refused(String)
}

/// The running server: a listener, reactors, handlers and a writer over one registry.
///
/// Concurrency: started and stopped once each, from any thread.
package final class Server: Sendable {
  /// What a server is given.
  package struct Options: Sendable {
    package var limits = Limits()
    package var clock = Clock.system
    package var reactorCount: Int
    /// For how long after a request a reactor asks for the next one before it waits; 0 is not at all.
    package var busyPollNanoseconds: UInt64 = 0
    package var version: String
    package var log: Logger
    /// The daemon's own user.
    package var ownUID: UInt32
    /// What users and groups may do; ``Server/adopt(_:)`` replaces it.
    package var grants: [Grant] = []
    /// Carries out `ControlService.Reload`; nil where there is nothing to read anew.
    package var reload: Reload?

    package init(reactorCount: Int, version: String, log: Logger, ownUID: UInt32) {
      self.reactorCount = reactorCount
      self.version = version
      self.log = log
      self.ownUID = ownUID
    }
  }

  /// Has the configuration read anew for a peer, which may block, and not where it is called. Tells once, from any
  /// thread, what came of it.
  package typealias Reload = @Sendable (_ peer: Peer, _ done: @escaping @Sendable (ReloadOutcome) -> Void) -> Void

  private let registry: Registry
  private let ownUID: UInt32
  private let authority: Authority
  private let listener: Listener
  private let reactors: [Reactor]
  private let writer: Writer
  private let sweeper: Sweeper
  private let reserver: Reserver
  private let health: Health
  private let watchers: Watchers
  private let limits: Limits
  private let clock: Clock
  private let log: Logger

  package init(
    _ registry: Registry, at socket: consuming ListeningSocket, _ options: Options
  ) throws(SystemError) {
    self.registry = registry
    ownUID = options.ownUID
    authority = Authority(Policy(ownUID: options.ownUID, grants: options.grants))
    let census = Census(limits: options.limits, ownUID: options.ownUID)
    let statistics = Statistics()
    let names = UserNameCache(clock: options.clock)
    writer = try Writer(
      registry: registry, clock: options.clock, names: names, limit: options.limits.commandsWaiting)
    let importer = Importer(registry: registry, clock: options.clock, limits: options.limits)
    sweeper = Sweeper(
      registry: registry, writer: writer, importer: importer, clock: options.clock,
      actor: .sweeper(uid: options.ownUID, pid: ProcessGuard.processID), log: options.log)
    reserver = Reserver(registry: registry, writer: writer, clock: options.clock)
    let health = Health()
    health.setTakesChanges(registry.takesChanges)
    registry.observeStore { [weak registry] in health.setTakesChanges(registry?.takesChanges ?? false) }
    self.health = health
    limits = options.limits
    clock = options.clock
    log = options.log
    watchers = try Watchers(
      registry: registry, writer: writer, limits: options.limits, ownUID: options.ownUID, clock: options.clock,
      log: options.log)
    let handlers = Handlers(
      Handlers.Parts(
        registry: registry, writer: writer, importer: importer, watchers: watchers, names: names,
        clock: options.clock, census: census, statistics: statistics, log: options.log, version: options.version,
        startTime: options.clock.now(),
        reload: options.reload))
    let parts = Reactor.Parts(
      handlers: handlers, limits: options.limits, clock: options.clock, census: census, statistics: statistics,
      health: health, busyPollNanoseconds: options.busyPollNanoseconds, log: options.log)
    var reactors: [Reactor] = []
    for number in 0..<max(1, options.reactorCount) { reactors.append(try Reactor(parts, number: number)) }
    // Nothing comes to them before the listener is started, whose source must not be let go of before that.
    for reactor in reactors { try reactor.start() }
    self.reactors = reactors
    listener = Listener(
      socket, reactors: reactors, authority: authority, census: census, clock: options.clock, log: options.log)
  }

  package func start() {
    reserver.start()
    sweeper.start()
    health.setServing(true)
    listener.start()
  }

  /// Replaces what users and groups may do. Connections that are open are judged by it from their next call on; a call
  /// that has been let in goes on, but for a watch of a peer that may no longer read keys.
  package func adopt(_ grants: [Grant]) {
    authority.adopt(Policy(ownUID: ownUID, grants: grants))
    watchers.reconsider()
  }

  /// Replaces the window in which a key counts as soon unavailable: for the replies and warnings from here on.
  package func adopt(_ soonWindow: SoonWindow) {
    guard registry.soonWindow != soonWindow else { return }
    registry.soonWindow = soonWindow
    sweeper.consider()
  }

  /// The newest row of the audit.
  package var auditHead: AuditHead { registry.auditHead }

  /// Takes no more connections, answers the calls that have come, and returns when every connection is closed and
  /// every change committed. What is not over in ``Limits/drainSeconds`` is cut off: a change that has not begun by then
  /// is not made. Uses are written for half as long again at most. Blocks; not for a reactor's or the writer's thread.
  package func stop() {
    listener.stop()
    health.setServing(false)
    watchers.end()
    let open = DispatchGroup()
    for reactor in reactors {
      open.enter()
      let once = Once { open.leave() }
      reactor.post(.drain { once() })
    }
    if open.wait(timeout: .now() + .seconds(limits.drainSeconds)) == .timedOut {
      for reactor in reactors { reactor.post(.abort) }
      open.wait()
    }
    // A disk that fails here, or is too slow, loses uses and grants none.
    let end = Deadline(from: clock.monotonicNanoseconds(), seconds: Double(limits.drainSeconds) / 2)
    sweeper.stop(by: end)
    writer.finish {
      do throws(StoreError) {
        try registry.settleUses(while: { !end.hasPassed(at: clock.monotonicNanoseconds()) })
      } catch {
        log.error("counts of uses not written", metadata: ["reason": "\(error.message)"])
      }
    }
  }
}
