import Foundation
import TestSupport
import Testing

/// Stands between clients and a daemon, one call to a connection, and loses the first answer.
final class LossyRelay {
  let path: String
  private let listener: Int32

  init(_ scratch: Scratch) throws {
    path = scratch.open + "/r"
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    try #require(withSocketAddress(path) { bind(listener, $0, $1) } == 0 && listen(listener, 4) == 0)
    let (descriptor, upstream) = (listener, scratch.socket)
    Thread.detachNewThread {
      for losesAnswer in [true, false] { Self.relay(descriptor, upstream, losesAnswer: losesAnswer) }
    }
  }

  deinit {
    // Wakes whoever still waits for a connection.
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
    unlink(path)
  }

  private static func relay(_ listener: Int32, _ upstream: String, losesAnswer: Bool) {
    let client = accept(listener, nil, nil)
    let daemon = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer {
      close(client)
      close(daemon)
    }
    guard client >= 0, withSocketAddress(upstream, { connect(daemon, $0, $1) }) == 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let request = recv(client, &bytes, bytes.count, 0)
    guard request > 0, send(daemon, bytes, request, 0) == request else { return }
    let answer = recv(daemon, &bytes, bytes.count, 0)
    if answer > 0, !losesAnswer { send(client, bytes, answer, 0) }
  }
}
