import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// Calls with any number of replies: `grpc.health.v1` and `grpc.reflection`.
@Suite struct GRPCStreamTests {
  private static let check = "/grpc.health.v1.Health/Check"
  private static let watch = "/grpc.health.v1.Health/Watch"
  private static let serving = HTTP2Peer.message([8, 1])
  private static let notServing = HTTP2Peer.message([8, 2])
  private static let unknown = HTTP2Peer.message([8, 3])

  private func ask(_ service: String) -> [UInt8] {
    HTTP2Peer.message(service.isEmpty ? [] : [10, UInt8(service.utf8.count)] + Array(service.utf8))
  }

  private func check(_ service: String, _ peer: HTTP2Peer, stream: UInt32) throws -> HTTP2Peer.Answer {
    peer.send(
      HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.check)),
      HTTP2Peer.Frame(.data, .endStream, stream: stream, ask(service)))
    return try peer.answer(on: stream)
  }

  private func watch(_ service: String, _ peer: HTTP2Peer, stream: UInt32) {
    peer.send(
      HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.watch)),
      HTTP2Peer.Frame(.data, .endStream, stream: stream, ask(service)))
  }

  @Test func `The whole server and each service are SERVING, and another is NOT_FOUND`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    let services = ["", "keyward.v1.KeyService", "keyward.v1.ValidationService", "keyward.v1.ControlService"]
    for (number, service) in services.enumerated() {
      let answer = try check(service, peer, stream: UInt32(number) * 2 + 1)
      #expect(answer.code == .ok)
      #expect(answer.data == Self.serving)
    }
    #expect(try check("keyward.v1.Nothing", peer, stream: 101).code == .notFound)
  }

  @Test func `A check whose time has passed is too late`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(Self.check, [("grpc-timeout", "1n")])),
      HTTP2Peer.Frame(.data, .endStream, stream: 1, ask("")))
    #expect(try peer.answer(on: 1).code == .deadlineExceeded)
  }

  @Test func `A watch tells the status and each change of it, and goes on`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    watch("keyward.v1.KeyService", peer, stream: 1)
    watch("keyward.v1.ValidationService", peer, stream: 3)
    watch("nothing", peer, stream: 5)
    try peer.take {
      peer[1].data == Self.serving && peer[3].data == Self.serving && peer[5].data == Self.unknown
    }
    server.store.failNextCommit(with: .exhausted("full"))
    let create = OutgoingRequest.createKey(CreateKey(name: KeyName(checked: "n"), permission: .chat))
    #expect(try peer.answer(to: create, stream: 7).code == .resourceExhausted)
    try peer.take { peer[1].data == Self.serving + Self.notServing }
    #expect(try check("keyward.v1.KeyService", peer, stream: 9).data == Self.notServing)
    #expect(try check("", peer, stream: 11).data == Self.serving)
    #expect(try peer.answer(to: create, stream: 13).code == .ok)
    try peer.take { peer[1].data == Self.serving + Self.notServing + Self.serving }
    #expect(peer[3].data == Self.serving)
    #expect(peer[5].data == Self.unknown)
    #expect(!peer[1].hasEnded)
  }

  @Test func `A watcher whose window is shut is told the latest once it opens`() throws {
    let server = try TestServer { $0.streamedBytes = 7 }
    // Windows of streams begin at 0.
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    peer.opensWindows = false
    watch("keyward.v1.KeyService", peer, stream: 1)
    try peer.take { peer[1].httpStatus == "200" }
    let other = try HTTP2Peer(server.connect())
    for stream in stride(from: 1, through: 19, by: 4) as StrideThrough<UInt32> {
      server.store.failNextCommit(with: .exhausted("full"))
      let key = CreateKey(name: KeyName(checked: "n\(stream)"), permission: .chat)
      #expect(try other.answer(to: .createKey(key), stream: stream).code == .resourceExhausted)
      #expect(try other.answer(to: .createKey(key), stream: stream + 2).code == .ok)
    }
    #expect(peer[1].data.isEmpty)
    peer.send(HTTP2Peer.windowUpdate(1, 1000))
    try peer.take { peer[1].data.suffix(7) == Self.serving[...] }
    // What was kept for it, and not all that has been.
    #expect(peer[1].data.count <= 3 * 7)
  }

  @Test func `A watch that is cancelled, or whose deadline passes, is over`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    watch("", peer, stream: 1)
    try peer.take { peer[1].data == Self.serving }
    peer.send(HTTP2Peer.reset(1))
    peer.send(
      HTTP2Peer.headers(3, HTTP2Peer.fields(Self.watch, [("grpc-timeout", "20m")])),
      HTTP2Peer.Frame(.data, .endStream, stream: 3, ask("")))
    let late = try peer.answer(on: 3)
    #expect(late.data == Self.serving)
    #expect(late.code == .deadlineExceeded)
    #expect(try check("", peer, stream: 5).code == .ok)
  }

  @Test func `A watch with a deadline and a shut window ends in time too`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    peer.send(
      HTTP2Peer.headers(3, HTTP2Peer.fields(Self.watch, [("grpc-timeout", "20m")])),
      HTTP2Peer.Frame(.data, .endStream, stream: 3, ask("")))
    #expect(try peer.answer(on: 3).code == .deadlineExceeded)
    #expect(peer[3].data.isEmpty)
  }

  @Test func `At the end watchers are told NOT_SERVING, then UNAVAILABLE`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    watch("", peer, stream: 1)
    try peer.take { peer[1].data == Self.serving }
    DispatchQueue.global().async { server.stop() }
    let answer = try peer.answer(on: 1)
    #expect(answer.data == Self.serving + Self.notServing)
    #expect(answer.code == .unavailable)
    try peer.takeRest()
    #expect(peer.goAway?.code == 0)
  }

  @Test func `At the end calls are finished, and later ones not begun`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    #expect(try peer.answer(to: .getStatus, stream: 1).code == .ok)
    server.gate.shut()
    try peer.begin(.createKey(CreateKey(name: KeyName(checked: "last"), permission: .chat)), stream: 3)
    try server.gate.waitForArrival()
    DispatchQueue.global().async { server.stop() }
    // The notice, and then the PING by which the server sees that the peer has heard it.
    try peer.take { peer.goAway != nil && peer.pings.contains { !$0.isAck } }
    #expect(try #require(peer.goAway).lastStream == 0x7FFF_FFFF)
    // A call that crosses with the notice is taken.
    #expect(try peer.answer(to: .getStatus, stream: 5).code == .ok)
    peer.send(HTTP2Peer.Frame(.ping, .ack, try #require(peer.pings.last { !$0.isAck }).payload))
    try peer.take { peer.goAway?.lastStream == 5 }
    try peer.begin(.getStatus, stream: 7)
    server.gate.open()
    #expect(try peer.answer(on: 3).code == .ok)
    try peer.takeRest()
    #expect(peer[7].fields.isEmpty)
  }

  @Test func `A peer that does not answer at the end is not waited for long`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    #expect(try peer.answer(to: .getStatus, stream: 1).code == .ok)
    let began = Date()
    DispatchQueue.global().async { server.stop() }
    try peer.takeRest()
    #expect(Date().timeIntervalSince(began) < 5)
  }

  // MARK: Reflection

  private func reflect(_ request: [UInt8], _ version: String = "v1") throws -> HTTP2Peer.Answer {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo")),
      HTTP2Peer.Frame(.data, stream: 1, HTTP2Peer.message(request)))
    try peer.take { !peer[1].data.isEmpty }
    peer.send(HTTP2Peer.Frame(.data, .endStream, stream: 1, HTTP2Peer.message(request)))
    let answer = try peer.answer(on: 1)
    #expect(answer.code == .ok)
    return answer
  }

  @Test func `A reflection stream that is refused is reset where the peer does not end it`() throws {
    let server = try TestServer { $0.frameSeconds = 0.2 }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")),
      HTTP2Peer.Frame(.data, stream: 1, HTTP2Peer.message([], flag: 9)))
    #expect(try peer.answer(on: 1).code == .invalidArgument)
    try peer.take { peer[1].reset != nil }
    #expect(peer[1].reset == 0)
  }

  private func text(_ field: UInt8, _ text: String) -> [UInt8] { [field << 3 | 2, UInt8(text.utf8.count)] + text.utf8 }

  @Test(arguments: ["v1", "v1alpha"])
  func `Reflection lists every service, itself included, once for each request`(version: String) throws {
    let data = String(decoding: try reflect(text(7, ""), version).data, as: UTF8.self)
    for service in [
      "keyward.v1.KeyService", "keyward.v1.ValidationService", "keyward.v1.ControlService", "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    ] {
      #expect(data.components(separatedBy: service).count == 3)
    }
  }

  @Test(arguments: [
    "keyward.v1.ValidationService", "keyward.v1.ValidationService.ValidateKey", "keyward.v1.ValidateKeyRequest",
    "keyward.v1.ValidateKeyRequest.secret", "keyward.v1.VERDICT_VALID",
  ])
  func `Reflection finds the file of a symbol, with what it imports`(symbol: String) throws {
    let data = String(decoding: try reflect(text(4, symbol)).data, as: UTF8.self)
    for file in ["keyward/v1/validation_service.proto", "keyward/v1/key.proto", "google/protobuf/timestamp.proto"] {
      #expect(data.contains(file))
    }
  }

  @Test func `Reflection knows the details of errors, which no service imports`() throws {
    let data = String(decoding: try reflect(text(4, "google.rpc.ErrorInfo")).data, as: UTF8.self)
    #expect(data.contains("google/rpc/error_details.proto"))
    let status = String(decoding: try reflect(text(3, "google/rpc/status.proto")).data, as: UTF8.self)
    #expect(status.contains("google/protobuf/any.proto"))
  }

  @Test func `Reflection finds a file by its name, and says what it does not know`() throws {
    let found = String(decoding: try reflect(text(3, "grpc/health/v1/health.proto")).data, as: UTF8.self)
    #expect(found.contains("HealthCheckRequest"))
    for request in [text(3, "no.proto"), text(4, "keyward.v1.Nothing"), text(6, "keyward.v1.Nothing")] {
      #expect(String(decoding: try reflect(request).data, as: UTF8.self).contains("is not declared here"))
    }
    #expect(try reflect([]).data.count > 10)
  }
}
