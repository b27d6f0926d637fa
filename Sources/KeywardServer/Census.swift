import KeywardCore
import Synchronization

/// Counts the connections, in all and of each user, and says when there are enough.
final class Census: Sendable {
  private struct Counts {
    var total = 0
    var byUser: [UInt32: Int] = [:]
  }

  private let counts = Mutex(Counts())
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
      let ofUser = counts.byUser[peer.uid, default: 0]
      let isFree = peer.uid == 0 || peer.uid == ownUID
      let reserve = isFree ? 0 : limits.reservedConnections
      guard counts.total < limits.connections - reserve, isFree || ofUser < limits.connectionsPerUser else {
        return false
      }
      counts.total += 1
      counts.byUser[peer.uid] = ofUser + 1
      return true
    }
  }

  func leave(_ peer: Peer) {
    counts.withLock { counts in
      counts.total -= 1
      let rest = counts.byUser[peer.uid, default: 1] - 1
      counts.byUser[peer.uid] = rest == 0 ? nil : rest
    }
  }
}
