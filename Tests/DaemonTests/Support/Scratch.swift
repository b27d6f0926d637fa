import Foundation
import Testing

/// Folders of one test, gone with it: one that everybody may enter, for the socket, and one for the owner alone, for
/// the database. The paths are short, for a socket's may have 107 bytes at most.
final class Scratch: Sendable {
  let open: String
  let closed: String

  var socket: String { open + "/s" }
  var database: String { closed + "/keyward.db" }

  init() throws {
    open = try Self.makeFolder(mode: 0o755)
    closed = try Self.makeFolder(mode: 0o700)
  }

  deinit {
    for folder in [open, closed] { try? FileManager.default.removeItem(atPath: folder) }
  }

  private static func makeFolder(mode: mode_t) throws -> String {
    var template = Array((NSTemporaryDirectory() + "/kw-XXXXXX").utf8CString)
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    chmod(path, mode)
    return path
  }
}

/// What was built beside the tests.
enum Products {
  static let folder = Bundle(for: Scratch.self).bundlePath

  static var daemon: String { folder + "/keywardd" }
  static var client: String { folder + "/keyward" }
}

/// Copies of the programs that every user may run, wherever the checkout lies.
final class PublicProducts: Sendable {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    try FileManager.default.copyItem(atPath: Products.client, toPath: client)
    try FileManager.default.copyItem(atPath: Products.daemon, toPath: daemon)
  }

  var client: String { scratch.open + "/keyward" }
  var daemon: String { scratch.open + "/keywardd" }
}
