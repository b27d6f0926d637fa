import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// What one peer of gRPC may make the server hold, and for how long.
@Suite struct GRPCLimitTests {
  private static let status = "/keyward.v1.ControlService/GetStatus"

  private func create(_ name: String) -> OutgoingRequest {
    .createKey(CreateKey(name: KeyName(checked: name), permission: .chat))
  }

  @Test func `A stream past the limit is refused, and room is made when one goes`() throws {
    let server = try TestServer { $0.streamsPerConnection = 2 }
    let peer = try HTTP2Peer(server.connect())
    server.gate.shut()
    try peer.begin(create("a"), stream: 1)
    try peer.begin(create("b"), stream: 3)
    try peer.begin(create("c"), stream: 5)
    // REFUSED_STREAM, by which a client knows that it may try again.
    #expect(try peer.answer(on: 5).reset == 7)
    server.gate.open()
    #expect(try peer.answer(on: 1).code == .ok)
    #expect(try peer.answer(on: 3).code == .ok)
    #expect(try peer.answer(to: create("d"), stream: 7).code == .ok)
  }

  @Test func `A peer that has agreed to the limit and goes past it is closed`() throws {
    let server = try TestServer { $0.streamsPerConnection = 2 }
    let peer = try HTTP2Peer(server.connect())
    try peer.settle()
    server.gate.shut()
    defer { server.gate.open() }
    for stream in [1, 3, 5] as [UInt32] { try peer.begin(create("\(stream)"), stream: stream) }
    try peer.takeRest()
    #expect(peer.goAway?.code == 1)
  }

  @Test func `A message past the limit is RESOURCE_EXHAUSTED by its prefix alone`() throws {
    let server = try TestServer { $0.messageBytes = 1000 }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.Frame(.data, stream: 1, [0, 0, 0, 0x03, 0xE9]))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
    // 1000 bytes of a field that is not known.
    let whole = [UInt8(15 << 3 | 2), 0xE5, 0x07] + [UInt8](repeating: 0, count: 997)
    peer.send(
      HTTP2Peer.headers(3, HTTP2Peer.fields(Self.status)),
      HTTP2Peer.Frame(.data, .endStream, stream: 3, HTTP2Peer.message(whole)))
    #expect(try peer.answer(on: 3).code == .ok)
  }

  @Test func `A message of 4 MiB is taken, and one byte more is not`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    for (stream, count, code) in [(1, 4 << 20, .ok), (3, 4 << 20 + 1, .resourceExhausted)]
      as [(UInt32, Int, StatusCode)]
    {
      let field = count - 5
      let head = [UInt8(15 << 3 | 2)] + [0, 7, 14].map { UInt8(field >> $0 & 0x7F) | 0x80 } + [UInt8(field >> 21)]
      let message = HTTP2Peer.message(head + [UInt8](repeating: 0, count: field))
      peer.send(HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status)))
      var (rest, window) = (message[...], 65_535)
      while !rest.isEmpty, peer[stream].code == nil {
        let piece = rest.prefix(min(16_384, window))
        peer.send(HTTP2Peer.Frame(.data, piece.count == rest.count ? .endStream : [], stream: stream, Array(piece)))
        rest = rest.dropFirst(piece.count)
        window -= piece.count
        // Both windows are given back together, as one message fills one stream.
        while window == 0, peer[stream].code == nil {
          guard let frame = try peer.takeFrame() else { break }
          if frame.kind == .windowUpdate, frame.stream == stream {
            window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
          }
        }
      }
      #expect(try peer.answer(on: stream).code == code)
      try peer.settle()
    }
  }

  @Test func `What has come of long messages has a common limit with ttrpc's`() throws {
    let server = try TestServer {
      $0.largeFrames = 15_000
      $0.smallFrame = 1000
    }
    let holder = try HTTP2Peer(server.connect())
    let part = HTTP2Peer.Frame(.data, stream: 1, HTTP2Peer.message([UInt8](repeating: 0, count: 12_000)).dropLast())
    holder.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), part)
    try holder.settle()
    let other = try HTTP2Peer(server.connect())
    other.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), part)
    #expect(try other.answer(on: 1).code == .resourceExhausted)
    // What the holder gives up is there for others.
    holder.send(HTTP2Peer.reset(1))
    try holder.settle()
    other.send(
      HTTP2Peer.headers(3, HTTP2Peer.fields(Self.status)),
      HTTP2Peer.Frame(.data, .endStream, stream: 3, part.payload + [0]))
    #expect(try other.answer(on: 3).code == .invalidArgument)
  }

  @Test(.enabled(if: geteuid() == 0, "it takes root to be another user"))
  func `A peer without any right has few calls, and little of unfinished requests`() throws {
    let server = try TestServer { $0.lingerSeconds = 30 }
    chmod(String(server.path.dropLast(2)), 0o755)
    let peer = try HTTP2Peer(RawConnection(server.path, uid: 4321, gids: [4321]))
    #expect(try peer.answer(to: .whoAmI, stream: 1).code == .ok)
    #expect(try peer.answer(to: .getStatus, stream: 3).code == .permissionDenied)
    let part = HTTP2Peer.Frame(.data, stream: 0, HTTP2Peer.message([UInt8](repeating: 0, count: 16_000)).dropLast())
    for stream in [5, 7, 9, 11, 13] as [UInt32] {
      peer.send(
        HTTP2Peer.headers(stream, HTTP2Peer.fields("/keyward.v1.ControlService/WhoAmI")),
        HTTP2Peer.Frame(.data, stream: stream, part.payload))
    }
    // Each 16 004 bytes, of 65 536 in all.
    #expect(try peer.answer(on: 13).code == .permissionDenied)
    for stream in stride(from: 15, through: 15 + 2 * 10, by: 2) as StrideThrough<UInt32> {
      peer.send(HTTP2Peer.headers(stream, HTTP2Peer.fields("/keyward.v1.ControlService/WhoAmI")))
    }
    try peer.settle()
    #expect(!peer.hasEnded)
    peer.send(HTTP2Peer.headers(101, HTTP2Peer.fields("/keyward.v1.ControlService/WhoAmI")))
    try peer.takeRest()
    #expect(peer.goAway?.code == 1)
  }

  @Test func `A large call that waits its turn keeps no small one waiting`() throws {
    let server = try TestServer { $0.largeCallsInFlight = 1 }
    let peer = try HTTP2Peer(server.connect())
    server.gate.shut()
    try peer.begin(create("at work"), stream: 1)
    try server.gate.waitForArrival()
    // The audit is asked between commits, so these wait.
    let audit = OutgoingRequest.listAuditEvents(try AuditPageQuery(AuditQuery()))
    try peer.begin(audit, stream: 3)
    try peer.begin(audit, stream: 5)
    #expect(try peer.answer(to: .getStatus, stream: 7).code == .ok)
    #expect(peer[3].fields.isEmpty && peer[5].fields.isEmpty)
    server.gate.open()
    #expect(try peer.answer(on: 3).code == .ok)
    #expect(try peer.answer(on: 5).code == .ok)
  }

  @Test func `Calls that wait their turn are answered to a peer that has shut its side`() throws {
    let server = try TestServer { $0.largeCallsInFlight = 1 }
    let peer = try HTTP2Peer(server.connect())
    for stream in [1, 3, 5] as [UInt32] { try peer.begin(.listKeys(try ListQuery()), stream: stream) }
    peer.raw.shutWriting()
    for stream in [1, 3, 5] as [UInt32] { #expect(try peer.answer(on: stream).code == .ok) }
    try peer.takeRest()
  }

  @Test func `Requests of a stream wait while its answers are not taken, and are answered when they are`() throws {
    let server = try TestServer { $0.unsentOutput = 1000 }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    let request = HTTP2Peer.message([4 << 3 | 2, 14] + Array("keyward.v1.Key".utf8))
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")),
      HTTP2Peer.Frame(.data, stream: 1, Array(repeatElement(request, count: 19).joined())),
      HTTP2Peer.Frame(.data, .endStream, stream: 1, request))
    try peer.settle()
    #expect(peer[1].data.isEmpty)
    peer.send(HTTP2Peer.windowUpdate(1, 10_000_000))
    #expect(try peer.answer(on: 1).code == .ok)
    var (rest, count) = (peer[1].data[...], 0)
    while let prefix = rest.withUnsafeBytes({ GRPCPrefix($0) }) {
      rest = rest.dropFirst(GRPCPrefix.byteCount + prefix.messageByteCount)
      count += 1
    }
    #expect(count == 20 && rest.isEmpty)
  }

  @Test func `Requests of a stream whose answers are not taken end it, once they are more than may wait`() throws {
    let server = try TestServer { $0.unsentOutput = 1000 }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    let request = HTTP2Peer.message([4 << 3 | 2, 14] + Array("keyward.v1.Key".utf8))
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")))
    for _ in 0..<20 { peer.send(HTTP2Peer.Frame(.data, stream: 1, request)) }
    // What comes after that is not kept either.
    for _ in 0..<200 { peer.send(HTTP2Peer.Frame(.data, stream: 1, [UInt8](repeating: 0, count: 500))) }
    try peer.settle()
    #expect(peer[1].data.isEmpty)
    peer.send(HTTP2Peer.windowUpdate(1, 1_000_000))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
    #expect(peer[1].data.count > 1000)
  }

  @Test func `Calls wait while replies are not taken, and go on when they are`() throws {
    let server = try TestServer { $0.unsentOutput = 100 }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    peer.opensWindows = false
    for stream in stride(from: 1, through: 19, by: 2) as StrideThrough<UInt32> {
      try peer.begin(.getStatus, stream: stream)
    }
    try peer.settle()
    let begun = stride(from: 1, through: 19, by: 2).filter { peer[UInt32($0)].httpStatus != nil }.count
    #expect((1...3).contains(begun))
    peer.send(HTTP2Peer.settings([(4, 65_535)]))
    for stream in stride(from: 1, through: 19, by: 2) as StrideThrough<UInt32> {
      #expect(try peer.answer(on: stream).code == .ok)
    }
  }

  @Test func `Few calls with long replies are carried out at once, and the rest wait`() throws {
    let server = try TestServer { $0.largeCallsInFlight = 1 }
    let peer = try HTTP2Peer(server.connect())
    for stream in stride(from: 1, through: 39, by: 2) as StrideThrough<UInt32> {
      try peer.begin(.listKeys(try ListQuery()), stream: stream)
    }
    try peer.begin(.listKeys(try ListQuery()), stream: 41, [("grpc-timeout", "1n")])
    for stream in stride(from: 1, through: 39, by: 2) as StrideThrough<UInt32> {
      #expect(try peer.answer(on: stream).code == .ok)
    }
    #expect(try peer.answer(on: 41).code == .deadlineExceeded)
  }

  @Test func `A peer whose windows stay shut for long is closed`() throws {
    let server = try TestServer { $0.stallSeconds = 0.2 }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    try peer.begin(.getStatus, stream: 1)
    try peer.takeRest()
    #expect(peer[1].data.isEmpty)
  }

  @Test func `A silent peer is asked whether it is there, and closed when it does not say so`() throws {
    let server = try TestServer {
      $0.keepaliveSeconds = 0.1
      $0.keepaliveTimeoutSeconds = 0.3
    }
    let peer = try HTTP2Peer(server.connect())
    try peer.take { peer.pings.contains { !$0.isAck } }
    peer.send(HTTP2Peer.Frame(.ping, .ack, peer.pings[0].payload))
    // Another comes only when the first was heard.
    try peer.take { peer.pings.count >= 2 }
    try peer.takeRest()
    #expect(peer.goAway == nil)
  }

  @Test func `A connection without calls is told to end`() throws {
    let server = try TestServer { $0.idleSeconds = 0.2 }
    let peer = try HTTP2Peer(server.connect())
    #expect(try peer.answer(to: .getStatus, stream: 1).code == .ok)
    try peer.take { peer.goAway != nil }
    #expect(peer.goAway?.code == 0)
    peer.send(HTTP2Peer.Frame(.ping, .ack, try #require(peer.pings.last { !$0.isAck }).payload))
    try peer.takeRest()
  }

  @Test func `A connection with a call that goes on is not idle`() throws {
    let server = try TestServer {
      $0.idleSeconds = 0.1
      $0.keepaliveSeconds = 0
    }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.health.v1.Health/Watch", [("grpc-timeout", "600m")])),
      HTTP2Peer.Frame(.data, .endStream, stream: 1, HTTP2Peer.message([])))
    #expect(try peer.answer(on: 1).code == .deadlineExceeded)
    #expect(peer.goAway == nil)
  }
}
