import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// Validations over gRPC that come together and are answered together.
@Suite struct GRPCPlainCallTests {
  private let server: TestServer
  private let peer: HTTP2Peer

  init() throws {
    server = try TestServer()
    peer = try HTTP2Peer(server.connect())
    try peer.settle()
  }

  private func make(_ name: String, total: Int64? = nil) throws -> Secret {
    let limit = try total.map { try UseLimit(total: $0) }
    let request = CreateKey(name: try KeyName(name), permission: .chat, useLimit: limit)
    guard case .changed(_, _, let secret?, _) = try server.connect().call(.createKey(request)).get() else {
      throw RawConnection.Failure(message: "no secret came")
    }
    return secret
  }

  private func frames(
    _ secret: Secret, _ permission: Permission = .chat, stream: UInt32, _ more: [(String, String)] = []
  ) throws -> [HTTP2Peer.Frame] {
    let call = try peer.call(.validateKey(secret, permission, asOf: nil))
    return [
      HTTP2Peer.headers(stream, HTTP2Peer.fields(call.path, more)),
      HTTP2Peer.Frame(.data, .endStream, stream: stream, call.data),
    ]
  }

  private func validation(on stream: UInt32) throws -> Validation? {
    guard case .validateKey(let validation) = try peer.reply(.validateKey, in: try peer.answer(on: stream)) else {
      return nil
    }
    return validation
  }

  @Test func `Each of many validations that come at once has its own verdict`() throws {
    let secrets = try (0..<7).map { try make("key \($0)") }
    var frames: [HTTP2Peer.Frame] = []
    for number in 0..<100 {
      let permission = number % 3 == 0 ? Permission.secureMail : .chat
      frames += try self.frames(secrets[number % 7], permission, stream: UInt32(2 * number + 1))
    }
    peer.raw.send(frames.flatMap(\.bytes))
    for number in 0..<100 {
      let validation = try validation(on: UInt32(2 * number + 1))
      #expect(validation?.verdict == (number % 3 == 0 ? .wrongPermission : .valid))
      if number % 3 != 0 { #expect(validation?.subject?.name.text == "key \(number % 7)") }
    }
  }

  @Test func `A key with limits is used once for each of its validations among others`() throws {
    let plain = try make("plain")
    let limited = try make("limited", total: 2)
    // The first use has to wait for the store, and those that come while it does have no order.
    peer.raw.send(try frames(limited, stream: 1).flatMap(\.bytes))
    #expect(try validation(on: 1)?.verdict == .valid)
    let order = [plain, limited, plain, limited, plain]
    var frames: [HTTP2Peer.Frame] = []
    for (number, secret) in order.enumerated() { frames += try self.frames(secret, stream: UInt32(2 * number + 3)) }
    peer.raw.send(frames.flatMap(\.bytes))
    let verdicts = try (0..<5).map { try validation(on: UInt32(2 * $0 + 3))?.verdict }
    #expect(verdicts == [.valid, .valid, .valid, .usageExceeded, .valid])
  }

  @Test func `A validation that is cancelled as soon as it was sent leaves nothing to the next one`() throws {
    let first = try make("first")
    let second = try make("second")
    let frames = try frames(first, stream: 1) + [HTTP2Peer.reset(1)] + frames(second, stream: 3)
    peer.raw.send(frames.flatMap(\.bytes))
    #expect(try validation(on: 3)?.subject?.name.text == "second")
    try peer.settle()
    #expect(peer[1].fields.isEmpty)
  }

  @Test func `A validation whose time is up is DEADLINE_EXCEEDED, and those beside it are answered`() throws {
    let secret = try make("k")
    let frames =
      try frames(secret, stream: 1) + frames(secret, stream: 3, [("grpc-timeout", "1n")]) + frames(secret, stream: 5)
    peer.raw.send(frames.flatMap(\.bytes))
    #expect(try validation(on: 1)?.verdict == .valid)
    #expect(try peer.answer(on: 3).code == .deadlineExceeded)
    #expect(peer[3].data.isEmpty)
    #expect(try validation(on: 5)?.verdict == .valid)
  }
}
