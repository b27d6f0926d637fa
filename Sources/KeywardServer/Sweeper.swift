import Dispatch
import KeywardCore
import Logging

/// Records what time has done to keys: expirations and revocations that have come due, warnings of those to come,
/// purges, last uses. Nothing is judged by whether it has run. It also lets go of uploads that were left alone.
///
/// Its timer is of the monotonic clock and at most ``maxPause`` away, and each time it runs it goes by the wall clock, so
/// that a step of that one is noticed. It works on the writer's thread a piece at a time, and commands go between.
///
/// Concurrency: `planned` and `earliest` are touched on `queue` alone and the rest on the writer's, which is what makes it
/// `@unchecked Sendable`.
final class Sweeper: @unchecked Sendable {
  private let registry: Registry
  private let writer: Writer
  private let importer: Importer
  private let clock: Clock
  private let actor: Actor
  private let log: Logger
  private let failures: Throttle
  private let queue = DispatchQueue(label: "keyward.sweeper")
  private let timer: any DispatchSourceTimer
  /// When the timer will fire, in the monotonic clock's nanoseconds.
  private var planned: UInt64 = .max
  /// No run before that, of the same clock: set where the store has failed.
  private var earliest: UInt64 = 0
  /// The same, as the writer's thread knows it.
  private var retry: UInt64 = 0
  private var nextFlush: UInt64 = 0
  private var nextForgetting: UInt64 = 0

  /// Nanoseconds between two runs at most.
  private let maxPause: UInt64
  /// Nanoseconds between two times of letting go of what is no longer of use.
  private static let forgettingPause: UInt64 = 600_000_000_000

  /// - Parameter actor: who the audit says it was.
  init(
    registry: Registry, writer: Writer, importer: Importer, clock: Clock, actor: Actor, log: Logger,
    maxPause: UInt64 = 30_000_000_000
  ) {
    self.maxPause = maxPause
    self.registry = registry
    self.writer = writer
    self.importer = importer
    self.clock = clock
    self.actor = actor
    self.log = log
    failures = Throttle(clock: clock)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.setEventHandler { [weak self] in self?.fire() }
    // libdispatch makes the descriptor of its timers when the first one is set, and aborts where it gets none: that
    // shall not be when connections have used them up. `start()` sets it to what is wanted.
    timer.schedule(deadline: .now() + .nanoseconds(Int(maxPause)))
    timer.activate()
  }

  deinit {
    timer.cancel()
  }

  func start() {
    writer.afterEachCommit { [weak self] in self?.consider() }
    queue.async { [self] in plan(in: 0) }
  }

  /// Runs no more, and returns when the last run is over. Uses that are not written by then are written now, as far as
  /// the time goes.
  func stop(by deadline: Deadline = .never) {
    queue.sync { timer.cancel() }
    writer.finish {
      do throws(StoreError) {
        while registry.hasUnwrittenUses, !deadline.hasPassed(at: clock.monotonicNanoseconds()) {
          _ = try registry.flushUses()
          registry.tidy()
        }
      } catch {
        log.error("last uses not written", metadata: ["reason": "\(error.message)"])
      }
    }
  }

  /// Makes sure to run when something matters that a change has made matter earlier than was planned.
  func consider() {
    guard let next = registry.nextAttention else { return }
    queue.async { [self] in plan(in: pause(until: next)) }
  }

  private func fire() {
    planned = .max
    writer.perform { [self] in
      // The timer may have fired once more before a failure was known.
      let now = clock.monotonicNanoseconds()
      guard now >= retry else { return queue.async { [retry] in self.plan(in: retry - now) } }
      importer.dropIdle()
      let (pause, hasFailed) = runPiece()
      if hasFailed { retry = now + pause }
      queue.async {
        // Changes that come meanwhile do not have a store that fails asked over and over.
        if hasFailed { self.earliest = self.clock.monotonicNanoseconds() + pause }
        self.plan(in: pause)
      }
    }
  }

  /// - Returns: nanoseconds until the next run, and whether that is so long because the store has failed.
  private func runPiece() -> (pause: UInt64, hasFailed: Bool) {
    do throws(DomainError) {
      let now = clock.now()
      // What is due comes first: the rest can wait, and must not keep it waiting if it fails.
      let sweep = registry.sweep(at: now, by: actor)
      for event in sweep.events { report(event) }
      if let failure = sweep.failure { throw failure }
      guard sweep.isComplete, try !hasMoreUpkeep(at: now) else { return (0, false) }
      return (min(sweep.next.map { pause(until: $0) } ?? maxPause, maxPause), false)
    } catch {
      if let suppressed = failures.admit() {
        log.error("sweep failed", metadata: ["reason": "\(error.message)", "suppressed": "\(suppressed)"])
      }
      return (maxPause, true)
    }
  }

  /// Does a piece of what is to be done now and then.
  /// - Returns: whether there is more of it to do at once.
  private func hasMoreUpkeep(at now: Instant) throws(DomainError) -> Bool {
    let monotonic = clock.monotonicNanoseconds()
    do throws(StoreError) {
      // Nobody may be sending changes by which it would be seen.
      if !registry.takesChanges { try registry.probeStore(at: now) }
      if monotonic >= nextFlush {
        if try registry.flushUses() { return true }
        nextFlush = monotonic + maxPause
      }
      if monotonic >= nextForgetting {
        if try registry.forget(at: now) { return true }
        nextForgetting = monotonic + Self.forgettingPause
      }
      return false
    } catch {
      throw DomainError(error)
    }
  }

  private func report(_ event: Sweep.Event) {
    log.notice(
      "key \(event.type.name)",
      metadata: ["key": "\(event.key.id)", "by": "\(actor.user)", "revision": "\(event.revision)"])
  }

  private func pause(until instant: Instant) -> UInt64 {
    let now = clock.now()
    // A clock that has gone back does not put off what has come due already.
    guard instant > registry.judged(now) else { return 0 }
    let (microseconds, overflow) = instant.microseconds.subtractingReportingOverflow(now.microseconds)
    return overflow || microseconds >= Int64(maxPause / 1000) ? maxPause : UInt64(microseconds) * 1000
  }

  /// Sets the timer, unless it fires earlier anyway.
  private func plan(in pause: UInt64) {
    let now = clock.monotonicNanoseconds()
    let due = max(now + pause, earliest)
    guard due < planned else { return }
    planned = due
    timer.schedule(deadline: .now() + .nanoseconds(Int(due - now)), leeway: .milliseconds(1))
  }
}
