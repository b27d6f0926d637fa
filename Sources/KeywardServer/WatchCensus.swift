import KeywardCore
import KeywardWire
import Synchronization

/// Counts the watches, in all and of each user. Those of root and of the daemon's own user are not limited.
final class WatchCensus: Sendable {
  private struct Counts {
    var watches = UserCounts()
    var last: UInt64 = 0
  }

  private let counts = Mutex(Counts())
  private let limits: Limits
  private let ownUID: UInt32

  init(limits: Limits, ownUID: UInt32) {
    self.limits = limits
    self.ownUID = ownUID
  }

  /// Counts a watch in; then ``leave(_:)`` counts it out again.
  /// - Returns: its number, which no other one ever has.
  /// - Throws: RESOURCE_EXHAUSTED where there are enough.
  func enter(_ peer: Peer) throws(CallError) -> UInt64 {
    let isFree = peer.uid == 0 || peer.uid == ownUID
    return try counts.withLock { (counts) throws(CallError) in
      let ofUser = counts.watches[peer.uid]
      guard isFree || ofUser < limits.watchersPerUser else {
        throw .tooManyWaiting(
          "this user has \(ofUser) watches under way: end one, and try again", retrySeconds: Self.retrySeconds)
      }
      guard isFree || counts.watches.total < limits.watchers else {
        throw .tooManyWaiting("too many watches are under way: try again in a while", retrySeconds: Self.retrySeconds)
      }
      counts.watches.add(peer.uid)
      counts.last += 1
      return counts.last
    }
  }

  func leave(_ peer: Peer) {
    counts.withLock { $0.watches.remove(peer.uid) }
  }

  private static let retrySeconds = 10
}
