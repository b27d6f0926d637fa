import KeywardCore
import Synchronization

/// The policy in force, which can be replaced while connections are open.
///
/// Each policy has a generation, so that whoever has judged a peer sees by one atomic read whether it still holds.
///
/// Concurrency: for every thread.
final class Authority: Sendable {
  private let policy: Mutex<Policy>
  /// Changed under the lock of `policy`, after it.
  private let current = Atomic<UInt64>(1)

  init(_ policy: Policy) {
    self.policy = Mutex(policy)
  }

  /// Which policy is in force. From 1, and never again the same.
  var generation: UInt64 { current.load(ordering: .acquiring) }

  /// Puts another policy in force. Calls that come after it has returned are judged by this one.
  func adopt(_ policy: Policy) {
    self.policy.withLock { inForce in
      inForce = policy
      current.add(1, ordering: .sequentiallyConsistent)
    }
  }

  /// What a peer may do by the policy of a generation.
  func judge(_ peer: Peer) -> (rights: Rights, generation: UInt64) {
    let (policy, generation) = policy.withLock { ($0, current.load(ordering: .relaxed)) }
    return (policy.rights(of: peer), generation)
  }
}
