import Glibc

/// A path that a Unix socket can be bound to: 1 to 107 bytes, none of them NUL (unix(7)).
package struct SocketPath: Sendable, Hashable {
  package let text: String

  package static let maxByteCount = 107

  package init(_ text: String) throws(SocketPathError) {
    guard !text.isEmpty else { throw .empty }
    guard !text.utf8.contains(0) else { throw .embeddedNUL }
    guard text.utf8.count <= Self.maxByteCount else { throw .tooLong(text) }
    self.text = text
  }

  func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: text.utf8) }
    return withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// Why a text cannot be a socket's path.
package enum SocketPathError: Error, Equatable {
  case empty
  case embeddedNUL
  case tooLong(String)

  package var message: String {
    switch self {
    case .empty: "the socket's path is empty: name a file"
    case .embeddedNUL: "the socket's path holds a NUL character: name a file"
    case .tooLong(let path):
      "the socket's path \(path) has \(path.utf8.count) bytes: a Unix socket's may have"
        + " \(SocketPath.maxByteCount) at most"
    }
  }
}
