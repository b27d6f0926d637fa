import KeywardCore
import KeywardWire
import Synchronization

/// Lets few calls of very many keys wait at once, whoever's they are: each holds megabytes.
final class BulkGate: Sendable {
  private let waiting = Atomic<Int>(0)

  private static let limit = 16

  /// Counts a call in that `body` has wait for the store; ``leave()`` is to be called when it waits no more.
  /// - Throws: RESOURCE_EXHAUSTED when too many wait, and what `body` throws, after which nothing waits.
  func enter(_ body: () throws(CallError) -> Void) throws(CallError) {
    guard waiting.add(1, ordering: .relaxed).newValue <= Self.limit else {
      leave()
      throw .tooManyWaiting("too many calls of many keys wait: try again in a moment")
    }
    do throws(CallError) {
      try body()
    } catch {
      leave()
      throw error
    }
  }

  func leave() {
    waiting.subtract(1, ordering: .relaxed)
  }
}
