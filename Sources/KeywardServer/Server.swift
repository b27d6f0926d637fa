import Dispatch
package import KeywardCore
package import Logging
package import UnixSocket

/// The running server: a listener, reactors, handlers and a writer over one registry.
///
/// Concurrency: started and stopped once each, from any thread.
package final class Server: Sendable {
  /// What a server is given.
  package struct Options: Sendable {
    package var limits = Limits()
    package var clock = Clock.system
    package var reactorCount: Int
    package var version: String
    package var log: Logger
    /// The daemon's own user.
    package var ownUID: UInt32

    package init(reactorCount: Int, version: String, log: Logger, ownUID: UInt32) {
      self.reactorCount = reactorCount
      self.version = version
      self.log = log
      self.ownUID = ownUID
    }
  }

  private let listener: Listener
  private let reactors: [Reactor]
  private let writer: Writer
  private let limits: Limits

  package init(
    _ registry: Registry, at socket: consuming ListeningSocket, _ options: Options
  ) throws(SystemError) {
    let census = Census(limits: options.limits, ownUID: options.ownUID)
    let statistics = Statistics()
    let names = UserNameCache(clock: options.clock)
    writer = Writer(
      registry: registry, clock: options.clock, names: names, limit: options.limits.commandsWaiting)
    limits = options.limits
    let handlers = Handlers(
      Handlers.Parts(
        registry: registry, writer: writer, names: names, clock: options.clock, census: census, statistics: statistics,
        log: options.log, version: options.version, startTime: options.clock.now()))
    let parts = Reactor.Parts(
      handlers: handlers, limits: options.limits, clock: options.clock, census: census, statistics: statistics,
      log: options.log)
    var reactors: [Reactor] = []
    for number in 0..<max(1, options.reactorCount) { reactors.append(try Reactor(parts, number: number)) }
    self.reactors = reactors
    listener = Listener(
      socket, reactors: reactors, policy: Policy(ownUID: options.ownUID), census: census, clock: options.clock,
      log: options.log)
  }

  package func start() {
    for reactor in reactors { reactor.start() }
    listener.start()
  }

  /// Takes no more connections, answers the calls that have come, and returns when every connection is closed and
  /// every change committed. What is not over in ``Limits/drainSeconds`` is cut off. Blocks; not for a reactor's or
  /// the writer's queue.
  package func stop() {
    listener.stop()
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
    writer.drain()
  }
}
