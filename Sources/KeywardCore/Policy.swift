/// Rights given to one user or one group.
public struct Grant: Sendable, Hashable {
  /// Whom it is given to, by the id that the kernel will name.
  public enum Holder: Sendable, Hashable {
    case user(UInt32)
    case group(UInt32)
  }

  public let holder: Holder
  public let rights: Rights

  public init(_ holder: Holder, _ rights: Rights) {
    self.holder = holder
    self.rights = rights
  }
}

/// Who holds which rights.
public struct Policy: Sendable, Equatable {
  private let ownUID: UInt32
  private let ofUser: [UInt32: Rights]
  private let ofGroup: [UInt32: Rights]

  /// - Parameters:
  ///   - ownUID: the daemon's own user.
  ///   - grants: several to the same holder add up. One to an overflow id is never looked at.
  public init(ownUID: UInt32, grants: [Grant] = []) {
    self.ownUID = ownUID
    var ofUser: [UInt32: Rights] = [:]
    var ofGroup: [UInt32: Rights] = [:]
    for grant in grants {
      switch grant.holder {
      case .user(let uid): ofUser[uid, default: []].formUnion(grant.rights)
      case .group(let gid): ofGroup[gid, default: []].formUnion(grant.rights)
      }
    }
    self.ofUser = ofUser
    self.ofGroup = ofGroup
  }

  /// Root and the daemon's own user hold every right. Everyone else holds what was granted to the user and to each of
  /// the peer's groups, and the overflow id never any: as a user it holds nothing by its groups either, and as a group
  /// it brings nothing.
  public func rights(of peer: Peer) -> Rights {
    guard peer.uid != Peer.overflowID else { return [] }
    guard peer.uid != 0, peer.uid != ownUID else { return .all }
    var rights = ofUser[peer.uid] ?? []
    guard !ofGroup.isEmpty else { return rights }
    for gid in peer.gids where gid != Peer.overflowID { rights.formUnion(ofGroup[gid] ?? []) }
    return rights
  }
}
