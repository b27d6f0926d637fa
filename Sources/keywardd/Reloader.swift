import Dispatch
import Glibc
import KeywardCore
import KeywardServer
import Logging
import Synchronization
import UnixSocket

/// Reads the configuration anew on SIGHUP and for `ControlService.Reload`: rights, the window and the log level take effect, and
/// with a mistake in it the one in force stays as it is.
///
/// Concurrency: asked from every thread. Reading waits on the disk and on the host's name services, so it is done on
/// `queue`, one at a time; all that ask before one begins share it.
final class Reloader: Sendable {
  typealias Read = @Sendable () throws(ConfigurationError) -> Configuration
  typealias Adopt = @Sendable (Configuration) -> Void
  typealias Done = @Sendable (ReloadOutcome) -> Void

  private struct Asked {
    let by: String
    let done: Done
  }

  private struct State {
    var asked: [Asked] = []
    var isScheduled = false
    /// Puts in force what a reload can change of the server; nil before there is a server.
    var adopt: Adopt?

    /// Whether a round is to begin now.
    mutating func begins() -> Bool {
      guard !isScheduled, adopt != nil, !asked.isEmpty else { return false }
      isScheduled = true
      return true
    }
  }

  private let started: Configuration
  private let threshold: LogThreshold
  private let log: Logger
  private let read: Read
  private let queue = DispatchQueue(label: "keyward.configuration")
  private let state = Mutex(State())

  /// - Parameter started: what the daemon started with: its socket and database stay until it ends.
  init(_ started: Configuration, threshold: LogThreshold, log: Logger, read: @escaping Read) {
    self.started = started
    self.threshold = threshold
    self.log = log
    self.read = read
  }

  /// From here on SIGHUP asks for a reload; one that comes before ``arm(_:)`` is carried out then.
  func watchSignal() {
    // Blocked, it stays pending until Dispatch takes it over; Dispatch's own threads block signals themselves.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGHUP)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: queue)
    // The handler keeps the source, and so itself, for the rest of the process's life.
    source.setEventHandler { [self] in withExtendedLifetime(source) { ask("SIGHUP") { _ in } } }
    source.activate()
  }

  /// Says how rights and the window are put in force.
  func arm(_ adopt: @escaping Adopt) {
    let begins = state.withLock { state in
      state.adopt = adopt
      return state.begins()
    }
    if begins { queue.async { self.run() } }
  }

  /// Has the configuration read by a reading that has not begun yet.
  /// - Parameters:
  ///   - by: who asks, for the log.
  ///   - done: called once, when the outcome is in force and logged.
  func ask(_ by: String, _ done: @escaping Done) {
    let begins = state.withLock { state in
      state.asked.append(Asked(by: by, done: done))
      return state.begins()
    }
    if begins { queue.async { self.run() } }
  }

  private func run() {
    let (asked, adopt) = state.withLock { state in
      defer { (state.asked, state.isScheduled) = ([], false) }
      return (state.asked, state.adopt)
    }
    guard let adopt, !asked.isEmpty else { return }
    ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Clock.system.monotonicNanoseconds() / 1000)")
    // However many ask at once, they make one line, and no long one.
    let askers = Set(asked.map(\.by)).sorted().prefix(8).joined(separator: ", ")
    let outcome = reload(askedBy: askers, adopt)
    ServiceManager.notify("READY=1")
    for asked in asked { asked.done(outcome) }
  }

  private func reload(askedBy: String, _ adopt: Adopt) -> ReloadOutcome {
    do throws(ConfigurationError) {
      let configuration = try read()
      adopt(configuration)
      let told: Logger.Metadata = [
        "asked_by": "\(askedBy)", "file": "\(configuration.filePath ?? "none")",
        "grants": "\(configuration.grants.count)", "soon_unavailable": "\(configuration.soonWindow.setting)",
        "level": "\(configuration.logLevel)",
      ]
      // Said at whichever of the two levels says more.
      if configuration.logLevel < threshold.level {
        log.notice("configuration reloaded", metadata: told)
        threshold.level = configuration.logLevel
      } else {
        threshold.level = configuration.logLevel
        log.notice("configuration reloaded", metadata: told)
      }
      keep("socket", started.socketPath, configuration.socketPath, configuration.sources.socketPath)
      keep("database", started.databasePath, configuration.databasePath, configuration.sources.databasePath)
      keep(
        "busy_poll", "\(started.busyPoll)", "\(configuration.busyPoll)", configuration.sources.busyPoll)
      for setting in LimitSetting.all {
        keep(
          setting.name, setting.text(in: started.limits), setting.text(in: configuration.limits),
          configuration.limitSources[setting.name] ?? .standard)
      }
      return .inForce
    } catch {
      log.error(
        "configuration not reloaded",
        metadata: ["asked_by": "\(askedBy)", "reason": "\(error)", "in_force": "the one before"])
      return .refused("\(error)")
    }
  }

  private func keep(_ setting: String, _ inForce: String, _ wanted: String, _ source: Configuration.Source) {
    guard inForce != wanted else { return }
    log.warning(
      "setting kept",
      metadata: [
        "setting": "\(setting)", "in_force": "\(inForce)", "configured": "\(wanted)", "source": "\(source)",
        "reason": "changing it takes a restart",
      ])
  }
}
