/// The other end of a connection, as the kernel recorded it when it connected.
public struct Peer: Sendable, Hashable {
  public let uid: UInt32
  /// The primary group first.
  public let gids: [UInt32]
  public let pid: Int32

  public init(uid: UInt32, gids: [UInt32], pid: Int32) {
    self.uid = uid
    self.gids = gids
    self.pid = pid
  }

  /// The id that a user namespace gives whom it does not know. It names nobody, so it is granted nothing.
  public static let overflowID: UInt32 = 65534
}

/// Who makes a change.
public struct Actor: Sendable, Hashable {
  public let uid: UInt32
  /// The user's name; the number where it has none.
  public let user: String
  public let pid: Int32

  /// The daemon itself, for what time has done.
  /// - Parameters:
  ///   - uid: the daemon's own user.
  ///   - pid: the daemon's process.
  public static func sweeper(uid: UInt32, pid: Int32) -> Actor {
    Actor(uid: uid, user: String(reservedPrefix) + "sweeper)", pid: pid)
  }

  /// No user is told by a name that begins with it, whatever the host calls them.
  public static let reservedPrefix: Character = "("

  public init(uid: UInt32, user: String, pid: Int32) {
    self.uid = uid
    self.user = user
    self.pid = pid
  }
}
