import Dispatch
import KeywardCore
import Logging

/// Records what time has done to keys: expirations and revocations that have come due, warnings of those to come,
/// purges, last uses. Nothing is judged by whether it has run.
///
/// Its timer is of the monotonic clock and at most ``maxPause`` away, and each time it runs it goes by the wall clock, so
/// that a step of that one is noticed. It works on the writer's queue a piece at a time, and commands go between.
///
/// Concurrency: the plan is touched on `queue` alone and the rest on the writer's, which is what makes it
/// `@unchecked Sendable`.
final class Sweeper: @unchecked Sendable {
  private let registry: Registry
  private let writer: Writer
  private let clock: Clock
  private let log: Logger
  private let failures: Throttle
  private let queue = DispatchQueue(label: "keyward.sweeper")
  private let timer: any DispatchSourceTimer
  /// When the timer will fire, in the monotonic clock's nanoseconds.
  private var planned: UInt64 = .max
  private var nextForgetting: UInt64 = 0

  /// Nanoseconds between two runs at most.
  private static let maxPause: UInt64 = 30_000_000_000
  /// Nanoseconds between two times of letting go of what is no longer of use.
  private static let forgettingPause: UInt64 = 600_000_000_000

  init(registry: Registry, writer: Writer, clock: Clock, log: Logger) {
    self.registry = registry
    self.writer = writer
    self.clock = clock
    self.log = log
    failures = Throttle(clock: clock)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.setEventHandler { [weak self] in self?.fire() }
    timer.activate()
  }

  deinit {
    timer.cancel()
  }

  func start() {
    writer.afterEachCommit { [weak self] in self?.consider() }
    queue.async { [self] in plan(in: 0) }
  }

  /// Runs no more, and returns when the last run is over. Uses that are not recorded by then are recorded now.
  func stop() {
    queue.sync { timer.cancel() }
    writer.finish {
      while let sweep = try? registry.sweep(at: clock.now()), !sweep.isComplete {}
    }
  }

  /// Makes sure to run when something matters that a change has made matter earlier than was planned.
  private func consider() {
    guard let next = registry.nextAttention else { return }
    queue.async { [self] in plan(in: pause(until: next)) }
  }

  private func fire() {
    planned = .max
    writer.perform { [self] in
      let pause = runPiece()
      queue.async { self.plan(in: pause) }
    }
  }

  /// - Returns: nanoseconds until the next run.
  private func runPiece() -> UInt64 {
    let now = clock.now()
    do throws(StoreError) {
      let monotonic = clock.monotonicNanoseconds()
      if monotonic >= nextForgetting {
        if try registry.forget(at: now) { return 0 }
        nextForgetting = monotonic + Self.forgettingPause
      }
      let sweep = try registry.sweep(at: now)
      for event in sweep.events { report(event) }
      guard sweep.isComplete else { return 0 }
      return sweep.next.map { pause(until: $0) } ?? Self.maxPause
    } catch {
      if let suppressed = failures.admit() {
        log.error("sweep failed", metadata: ["reason": "\(error.message)", "suppressed": "\(suppressed)"])
      }
      return Self.maxPause
    }
  }

  private func report(_ event: Sweep.Event) {
    log.notice(
      "key \(event.type.name)",
      metadata: ["key": "\(event.key.id)", "by": "\(Actor.keyward.user)", "revision": "\(event.revision)"])
  }

  private func pause(until instant: Instant) -> UInt64 {
    let microseconds = instant.microseconds.subtractingReportingOverflow(clock.now().microseconds)
    guard !microseconds.overflow, microseconds.partialValue < Int64(Self.maxPause / 1000) else { return Self.maxPause }
    return UInt64(max(0, microseconds.partialValue)) * 1000
  }

  /// Sets the timer, unless it fires earlier anyway.
  private func plan(in pause: UInt64) {
    let due = clock.monotonicNanoseconds() + pause
    guard due < planned else { return }
    planned = due
    timer.schedule(deadline: .now() + .nanoseconds(Int(pause)), leeway: .milliseconds(1))
  }
}
