import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// HTTP/2 as nobody should speak it: each gets its answer or a closed connection, and the others are served meanwhile.
@Suite struct GRPCHostileTests {
  private static let status = "/keyward.v1.ControlService/GetStatus"
  private static let enhanceYourCalm: UInt32 = 11

  private let server: TestServer

  init() throws {
    server = try TestServer()
  }

  private func peer(_ server: TestServer? = nil, settings: [(UInt16, UInt32)] = []) throws -> HTTP2Peer {
    try HTTP2Peer((server ?? self.server).connect(), settings: settings)
  }

  /// What comes of bytes to a connection of their own, until it ends.
  private func expectEnd(_ peer: HTTP2Peer, _ location: SourceLocation = #_sourceLocation) throws {
    try peer.takeRest()
    let other = try self.peer()
    #expect(try other.answer(to: .getStatus, stream: 1).code == .ok, sourceLocation: location)
  }

  @Test(arguments: [
    "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n", "PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
    "PUT /",
    "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP",
  ])
  func `What only begins like HTTP/2 is closed`(text: String) throws {
    let peer = try HTTP2Peer(server.connect(), greets: false)
    peer.raw.send(Array(text.utf8))
    if text.utf8.count < 24 { peer.raw.shutWriting() }
    try expectEnd(peer)
  }

  @Test func `A preface that comes byte by byte will do, and one that ends early is closed`() throws {
    let slow = try HTTP2Peer(server.connect(), greets: false)
    for byte in HTTP2Peer.preface + HTTP2Peer.settings([]).bytes { slow.raw.send([byte]) }
    #expect(try slow.answer(to: .getStatus, stream: 1).code == .ok)
    for count in [1, 3, 23] {
      let short = try HTTP2Peer(server.connect(), greets: false)
      short.raw.send(Array(HTTP2Peer.preface[..<count]))
      short.raw.shutWriting()
      try expectEnd(short)
    }
  }

  @Test func `A preface with another frame than SETTINGS after it is closed`() throws {
    let peer = try HTTP2Peer(server.connect(), greets: false)
    peer.raw.send(HTTP2Peer.preface + HTTP2Peer.Frame(.ping, [], [UInt8](repeating: 0, count: 8)).bytes)
    try expectEnd(peer)
    #expect(peer.goAway?.code == 1)
  }

  @Test func `A handshake that is not over in its time ends the connection`() throws {
    let server = try TestServer { $0.handshakeSeconds = 0.2 }
    for bytes in [Array("P".utf8), HTTP2Peer.preface, HTTP2Peer.preface + [0, 0, 0, 4, 0]] {
      let peer = try HTTP2Peer(server.connect(), greets: false)
      peer.raw.send(bytes)
      try peer.takeRest()
    }
  }

  @Test func `Too many or too long header fields are HTTP's 431`() throws {
    let server = try TestServer {
      $0.headerBytes = 2000
      $0.headerCount = 20
    }
    let peer = try peer(server)
    for (stream, more) in [
      (1, [("x", String(repeating: "y", count: 2000))]), (3, (0..<15).map { ("x\($0)", "y") }),
    ] as [(UInt32, [(String, String)])] {
      peer.send(HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status, more), [.endHeaders, .endStream]))
      #expect(try peer.answer(on: stream).httpStatus == "431")
    }
    #expect(try peer.answer(to: .getStatus, stream: 5, [("x", String(repeating: "y", count: 1000))]).code == .ok)
  }

  @Test func `Header fields that unpack to very many are refused`() throws {
    let peer = try peer()
    // One field of 4000 bytes into the peer's table, and then 10 000 times its number.
    let long = "x" + String(repeating: "y", count: 3900)
    let name =
      [UInt8(0x40), 1, UInt8(ascii: "x"), 127] + [UInt8((3901 - 127) & 0x7F | 0x80), UInt8((3901 - 127) >> 7)]
    let block =
      HTTP2Peer.block(HTTP2Peer.fields(Self.status)) + name + Array(long.utf8)
      + [UInt8](repeating: 0x80 | 62, count: 10_000)
    peer.send(HTTP2Peer.Frame(.headers, [.endHeaders, .endStream], stream: 1, block))
    #expect(try peer.answer(on: 1).httpStatus == "431")
    #expect(try peer.answer(to: .getStatus, stream: 3).code == .ok)
  }

  @Test func `A flood of CONTINUATION frames ends the connection`() throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status), []))
    let more = HTTP2Peer.Frame(.continuation, [], stream: 1, HTTP2Peer.block([("x", "y")])).bytes
    for _ in 0..<1000 where !peer.raw.send(more) { break }
    try expectEnd(peer)
  }

  @Test func `A header block of endless empty CONTINUATION frames ends the connection`() throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status), []))
    for _ in 0..<1000 where !peer.send(HTTP2Peer.Frame(.continuation, [], stream: 1)) { break }
    try expectEnd(peer)
  }

  @Test func `Other frames within a header block end the connection`() throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status), []), HTTP2Peer.settings([]))
    try expectEnd(peer)
    #expect(peer.goAway?.code == 1)
  }

  @Test func `Rapid resets by the peer end the connection`() throws {
    let server = try TestServer { $0.resetsPerSecond = 1 }
    let peer = try peer(server)
    for stream in stride(from: 1, through: 4001, by: 2) as StrideThrough<UInt32> {
      let call = HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status)).bytes + HTTP2Peer.reset(stream).bytes
      if !peer.raw.send(call) { break }
    }
    try peer.takeRest()
    #expect(try self.peer(server).answer(to: .getStatus, stream: 1).code == .ok)
  }

  @Test(arguments: ["malformed", "window", "late data"])
  func `Resets that the peer provokes end the connection`(kind: String) throws {
    let server = try TestServer { $0.resetsPerSecond = 1 }
    let peer = try peer(server)
    for stream in stride(from: 1, through: 4001, by: 2) as StrideThrough<UInt32> {
      let frames: [HTTP2Peer.Frame] =
        switch kind {
        case "malformed": [HTTP2Peer.headers(stream, [(":method", "POST"), ("Upper", "case")])]
        case "window":
          [HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status)), HTTP2Peer.windowUpdate(stream, 0x7FFF_FFFF)]
        default:
          [
            HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status), [.endHeaders, .endStream]),
            HTTP2Peer.headers(stream, HTTP2Peer.fields(Self.status)),
          ]
        }
      if !peer.raw.send(frames.flatMap(\.bytes)) { break }
    }
    try peer.takeRest()
    #expect(try self.peer(server).answer(to: .getStatus, stream: 1).code == .ok)
  }

  @Test(arguments: ["ping", "settings", "empty data", "padding alone"])
  func `A flood of frames that are no calls ends the connection`(kind: String) throws {
    let server = try TestServer { $0.controlFramesPerSecond = 10 }
    let peer = try peer(server)
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)))
    let frame: HTTP2Peer.Frame =
      switch kind {
      case "ping": HTTP2Peer.Frame(.ping, [], [UInt8](repeating: 7, count: 8))
      case "settings": HTTP2Peer.settings([(4, 70_000)])
      case "padding alone": HTTP2Peer.Frame(.data, .padded, stream: 1, [2, 0, 0])
      default: HTTP2Peer.Frame(.data, stream: 1)
      }
    for _ in 0..<2000 where !peer.send(frame) { break }
    try peer.takeRest()
    if let goAway = peer.goAway { #expect(goAway.code == Self.enhanceYourCalm) }
    #expect(try self.peer(server).answer(to: .getStatus, stream: 1).code == .ok)
  }

  @Test func `PINGs between calls are no flood`() throws {
    let server = try TestServer { $0.controlFramesPerSecond = 2 }
    let peer = try peer(server)
    for stream in stride(from: 1, through: 201, by: 2) as StrideThrough<UInt32> {
      for _ in 0..<10 { peer.send(HTTP2Peer.Frame(.ping, [], [UInt8](repeating: 7, count: 8))) }
      #expect(try peer.answer(to: .getStatus, stream: stream).code == .ok)
    }
  }

  @Test func `PINGs between the messages of a stream are no flood`() throws {
    let server = try TestServer { $0.controlFramesPerSecond = 2 }
    let peer = try peer(server)
    let request = HTTP2Peer.message([7 << 3 | 2, 0])
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")))
    for _ in 0..<100 {
      for _ in 0..<10 { peer.send(HTTP2Peer.Frame(.ping, [], [UInt8](repeating: 7, count: 8))) }
      let count = peer[1].data.count
      peer.send(HTTP2Peer.Frame(.data, stream: 1, request))
      try peer.take { peer[1].data.count > count }
    }
    #expect(!peer[1].hasEnded)
  }

  @Test func `A window of nothing holds up its stream alone, and tiny ones slow it only`() throws {
    let peer = try peer(settings: [(4, 0)])
    peer.opensWindows = false
    try peer.begin(.getStatus, stream: 1)
    try peer.begin(.getStatus, stream: 3)
    try peer.settle()
    #expect(peer[1].httpStatus == "200")
    #expect(peer[1].data.isEmpty)
    while !peer[3].hasEnded {
      peer.send(HTTP2Peer.windowUpdate(3, 1))
      try peer.settle()
    }
    #expect(peer[3].code == .ok)
    #expect(!peer[1].hasEnded)
  }

  @Test(arguments: [0, 1] as [UInt32])
  func `A window that grows past the most there is ends the stream, or the connection`(stream: UInt32) throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.windowUpdate(stream, 0x7FFF_FFFF))
    if stream == 0 {
      try expectEnd(peer)
      #expect(peer.goAway?.code == 3)
    } else {
      #expect(try peer.answer(on: 1).reset == 3)
      #expect(try peer.answer(to: .getStatus, stream: 3).code == .ok)
    }
  }

  @Test func `A first window past the most there is ends the connection`() throws {
    let peer = try peer(settings: [(4, 0xFFFF_FFFF)])
    try expectEnd(peer)
    #expect(peer.goAway?.code == 3)
  }

  @Test(arguments: [0, 1] as [UInt32])
  func `A window update of nothing ends the connection`(stream: UInt32) throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.windowUpdate(stream, 0))
    try expectEnd(peer)
    #expect(peer.goAway?.code == 1)
  }

  @Test func `A peer that sends past its window is closed`() throws {
    let peer = try peer()
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)))
    let data = HTTP2Peer.Frame(.data, stream: 1, HTTP2Peer.message([UInt8](repeating: 0, count: 16_000))).bytes
    _ = peer.raw.sendUntilBlocked(Array(repeatElement(data, count: 3).joined()))
    // The server gives back what it reads, and this is a message too many.
    #expect(try peer.answer(on: 1).code == .unimplemented)
  }

  @Test(arguments: [
    HTTP2Peer.Frame(.headers, [.endHeaders], stream: 2, [0x82]), HTTP2Peer.Frame(.data, stream: 0, [1]),
    HTTP2Peer.Frame(.headers, [.endHeaders], stream: 0, [0x82]),
    HTTP2Peer.Frame(.pushPromise, [], stream: 1, [0, 0, 0, 2]),
    HTTP2Peer.Frame(.settings, [], [0, 1, 0]), HTTP2Peer.Frame(.ping, [], [1]),
    HTTP2Peer.Frame(.continuation, [], stream: 1),
    HTTP2Peer.Frame(.headers, [.endHeaders], stream: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    HTTP2Peer.Frame(type: 0, flags: 0, stream: 99, [1]),
  ])
  func `A frame that breaks HTTP/2 ends the connection`(frame: HTTP2Peer.Frame) throws {
    let peer = try peer()
    peer.send(frame)
    try expectEnd(peer)
  }

  @Test func `A frame longer than was agreed ends the connection`() throws {
    let peer = try peer()
    peer.raw.send([0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1])
    try expectEnd(peer)
    #expect(peer.goAway?.code == 6)
  }

  @Test func `Frames of unknown types are passed over`() throws {
    let peer = try peer()
    peer.send(HTTP2Peer.Frame(type: 200, flags: 255, stream: 77, [1, 2, 3]))
    #expect(try peer.answer(to: .getStatus, stream: 1).code == .ok)
  }

  @Test func `A peer's GOAWAY lets its calls finish, and then ends the connection`() throws {
    let peer = try peer()
    try peer.begin(.createKey(CreateKey(name: KeyName(checked: "n"), permission: .chat)), stream: 1)
    peer.send(HTTP2Peer.Frame(.goAway, [], [UInt8](repeating: 0, count: 8)))
    #expect(try peer.answer(on: 1).code == .ok)
    try peer.takeRest()
  }

  @Test func `A request that is never whole ends in its time, and its connection goes on`() throws {
    let server = try TestServer { $0.frameSeconds = 0.2 }
    let peer = try peer(server)
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.Frame(.data, stream: 1, [0, 0]))
    #expect(try peer.answer(on: 1).code == .deadlineExceeded)
    #expect(try peer.answer(to: .getStatus, stream: 3).code == .ok)
    // Half a header block leaves nothing to go on with.
    peer.send(HTTP2Peer.headers(5, HTTP2Peer.fields(Self.status), []))
    try peer.takeRest()
  }

  @Test func `No wrong bytes stop the server`() throws {
    var generator = SeededGenerator(state: 42)
    let template = try peer()
    let call = try template.call(.getStatus)
    var valid = HTTP2Peer.settings([]).bytes
    for stream in [1, 3, 5, 7] as [UInt32] {
      valid += HTTP2Peer.headers(stream, HTTP2Peer.fields(call.path)).bytes
      valid += HTTP2Peer.Frame(.data, .endStream, stream: stream, call.data).bytes
    }
    for _ in 0..<1500 {
      let hostile = try server.connect()
      var bytes = valid
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      hostile.send(HTTP2Peer.preface + Array(bytes.prefix(.random(in: 0...bytes.count, using: &generator))))
    }
    #expect(try peer().answer(to: .getStatus, stream: 1).code == .ok)
  }
}
