import KeywardCore

/// Has uses of keys with totals reserved: before anybody is served, and from then on whenever they run low.
///
/// Concurrency: any thread; the store is asked on the writer's queue, one batch a turn, and changes go between.
final class Reserver: Sendable {
  private let registry: Registry
  private let writer: Writer
  private let clock: Clock
  private let limit: Int

  /// - Parameter limit: keys in one batch.
  init(registry: Registry, writer: Writer, clock: Clock, limit: Int = 1000) {
    self.registry = registry
    self.writer = writer
    self.clock = clock
    self.limit = limit
  }

  /// Reserves all that is asked for yet. Blocks on the store, at which nobody else may be.
  func start() {
    while reserve() {}
    registry.whenUsesRunLow { [weak self] in self?.goOn() }
  }

  /// Has the next batch reserved among what waits for the store, and then those that remain.
  func goOn() {
    writer.perform { [self] in
      if reserve() { goOn() }
    }
  }

  /// - Returns: whether there is more to do now. What the store does not take is tried again at the next sweep, which
  ///   says so.
  private func reserve() -> Bool { (try? registry.reserveUses(at: clock.now(), limit: limit)) ?? false }
}
