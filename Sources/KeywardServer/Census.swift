import KeywardCore
import Synchronization

/// Counts the connections, in all and of each user, and says when there are enough.
final class Census: Sendable {
  private let counts = Mutex(UserCounts())
  private let limits: Limits
  private let ownUID: UInt32

  init(limits: Limits, ownUID: UInt32) {
    self.limits = limits
    self.ownUID = ownUID
  }

  var total: Int { counts.withLock { $0.total } }

  /// Counts a connection in, if there is room for it; then ``leave(_:)`` counts it out again.
  func enter(_ peer: Peer) -> Bool {
    counts.withLock { counts in
      let isFree = peer.uid == 0 || peer.uid == ownUID
      let reserve = isFree ? 0 : limits.reservedConnections
      guard counts.total < limits.connections - reserve, isFree || counts[peer.uid] < limits.connectionsPerUser else {
        return false
      }
      counts.add(peer.uid)
      return true
    }
  }

  func leave(_ peer: Peer) {
    counts.withLock { $0.remove(peer.uid) }
  }
}
