import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Whether the test may be other users.
let isRoot = geteuid() == 0

/// A real keywardd with a configuration file that the test writes.
final class Configured {
  let daemon: Daemon
  let path: String

  /// - Parameters:
  ///   - text: what the file says at first.
  ///   - arguments: more of the command line.
  init(_ text: String, arguments: [String] = []) throws {
    let scratch = try Scratch()
    path = scratch.closed + "/k.toml"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    daemon = try Daemon(
      scratch,
      arguments: ["--config", path, "--socket", scratch.socket, "--database", scratch.database] + arguments)
  }

  /// Grants by lines of `[rights]`.
  convenience init(rights: [String: Rights]) throws {
    try self.init(Self.section(rights))
  }

  func write(_ text: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  func write(rights: [String: Rights]) throws {
    try write(Self.section(rights))
  }

  /// A peer that is another user.
  func connect(uid: UInt32, gids: [UInt32]) throws -> RawConnection {
    try RawConnection(daemon.scratch.socket, uid: uid, gids: gids)
  }

  private static func section(_ rights: [String: Rights]) -> String {
    let lines = rights.filter { $0.value != [] }.sorted { $0.key < $1.key }.map { holder, rights in
      "\"\(holder)\" = [\(rights.names.map { "\"\($0)\"" }.joined(separator: ", "))]"
    }
    return (["[rights]"] + lines).joined(separator: "\n") + "\n"
  }
}

extension RawConnection {
  /// The rights that the daemon takes the peer to hold now.
  func rights() throws -> Rights {
    guard case .whoAmI(let identity, _) = try call(.whoAmI).get() else { throw Failure(message: "another reply") }
    return identity.rights
  }

  /// How a call ended.
  func code(_ request: OutgoingRequest) throws -> StatusCode {
    switch try call(request) {
    case .success: .ok
    case .failure(let error): error.code
    }
  }
}
