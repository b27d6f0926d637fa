import Synchronization

/// What the server has counted since its start.
final class Statistics: Sendable {
  private let calls = Atomic<Int>(0)
  private let refusedCalls = Atomic<Int>(0)

  var callCount: Int { calls.load(ordering: .relaxed) }
  var refusedCallCount: Int { refusedCalls.load(ordering: .relaxed) }

  func countCalls(_ count: Int) {
    calls.add(count, ordering: .relaxed)
  }

  func countRefusedCall() {
    refusedCalls.add(1, ordering: .relaxed)
  }
}
