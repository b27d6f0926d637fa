import KeywardCore

/// Has uses of keys with totals reserved before they are needed, whenever they run low.
///
/// Concurrency: any thread; the store is asked on the writer's thread, one batch a turn, and changes go between.
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

  func start() {
    registry.whenUsesRunLow { [weak self] in self?.goOn() }
  }

  /// Has the next batch reserved among what waits for the store, and then those that remain.
  private func goOn() {
    writer.perform { [self] in
      if registry.reserveUses(at: clock.now(), limit: limit) { goOn() }
    }
  }
}
