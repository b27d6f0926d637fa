import KeywardCore
import Synchronization

/// The peer of a connection and what it may do. Made when it connects, before its first byte is read.
///
/// Concurrency: for every thread. The judgement is one word, so its two halves always belong together. ``leave()`` is
/// the reactor's.
final class Caller: Sendable {
  let peer: Peer
  private let authority: Authority
  /// The rights in the lowest 16 bits, above them the generation of the policy that gave them.
  private let judgement: Atomic<UInt64>

  private let isGone = Atomic(false)

  private static let rightsBitCount = UInt64(Rights.RawValue.bitWidth)

  init(_ peer: Peer, authority: Authority) {
    self.peer = peer
    self.authority = authority
    judgement = Atomic(Self.packed(authority.judge(peer)))
  }

  /// The same peer for one call, which may be given up while the connection goes on.
  func forOneCall() -> Caller { Caller(peer, authority: authority) }

  /// What the peer may do by the policy in force now.
  ///
  /// As long as that has not changed this is two atomic reads and a comparison, for every call pays it. The first
  /// read after a change judges the peer anew.
  var rights: Rights {
    let held = judgement.load(ordering: .relaxed)
    if held >> Self.rightsBitCount == authority.generation {
      return Rights(rawValue: Rights.RawValue(truncatingIfNeeded: held))
    }
    let (rights, generation) = authority.judge(peer)
    // A thread that judged earlier may store later: its generation gives it away at the next read.
    judgement.store(Self.packed((rights, generation)), ordering: .relaxed)
    return rights
  }

  /// Whether the connection is closed, or the call given up that this was made for, so that no answer reaches the peer. What has not begun for it by then need not.
  var hasLeft: Bool { isGone.load(ordering: .relaxed) }

  /// Says that the connection is closed, or the call given up.
  func leave() {
    isGone.store(true, ordering: .relaxed)
  }

  private static func packed(_ judged: (rights: Rights, generation: UInt64)) -> UInt64 {
    judged.generation << rightsBitCount | UInt64(judged.rights.rawValue)
  }

  /// Calls of gRPC that one connection may have under way.
  func streams(_ limits: Limits) -> Int {
    rights.isEmpty ? min(limits.streamsPerConnection, limits.streamsWithoutRights) : limits.streamsPerConnection
  }

  /// Bytes of replies that the peer may leave unread before it is not read from.
  func unsentOutput(_ limits: Limits) -> Int {
    rights.isEmpty ? min(limits.unsentOutput, limits.unsentOutputWithoutRights) : limits.unsentOutput
  }
}
