import KeywardCore

/// The peer of a connection and what it may do. Made when it connects, before its first byte is read.
final class Caller: Sendable {
  let peer: Peer
  let rights: Rights

  init(_ peer: Peer, rights: Rights) {
    self.peer = peer
    self.rights = rights
  }

  /// Bytes of replies that the peer may leave unread before it is not read from.
  func unsentOutput(_ limits: Limits) -> Int {
    rights.isEmpty ? min(limits.unsentOutput, limits.unsentOutputWithoutRights) : limits.unsentOutput
  }
}
