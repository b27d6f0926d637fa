import CUnixSocket
import Glibc

/// Who the other end of a connected socket is, as the kernel recorded it when it connected, or on the connecting
/// side, who bound the socket.
package struct PeerCredentials: Sendable, Hashable {
  package let uid: UInt32
  /// The primary group first, none twice.
  package let gids: [UInt32]
  package let pid: Int32

  /// SO_PEERCRED and SO_PEERGROUPS; the latter has groups that a unit's SupplementaryGroups= gave, which the user
  /// database does not know.
  package init(of socket: borrowing Descriptor) throws(SystemError) {
    let fd = socket.rawValue
    var credentials = unix_credentials()
    guard unix_peer_credentials(fd, &credentials) == 0 else { throw SystemError("read the peer's credentials") }
    uid = credentials.uid
    pid = credentials.pid
    gids = [credentials.gid] + (try Self.groups(of: fd)).filter { $0 != credentials.gid }
  }

  private static func groups(of fd: Int32) throws(SystemError) -> [UInt32] {
    // NGROUPS_MAX is 65536; most peers have a handful.
    var capacity = 32
    while true {
      var groups = [gid_t](repeating: 0, count: capacity)
      let count = unix_peer_groups(fd, &groups, Int32(capacity))
      if count >= 0 { return Array(groups.prefix(Int(count))) }
      guard errno == ERANGE, capacity < 65536 else { throw SystemError("read the peer's groups") }
      capacity = 65536
    }
  }
}
