import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// Calls over gRPC, right and wrong, and what each is answered. After each the connection goes on.
@Suite struct GRPCCallTests {
  private let server: TestServer
  private let peer: HTTP2Peer

  init() throws {
    server = try TestServer()
    peer = try HTTP2Peer(server.connect())
  }

  private func expectServed(stream: UInt32 = 901) throws {
    let answer = try peer.answer(to: .getStatus, stream: stream)
    #expect(answer.code == .ok)
    guard case .getStatus = try peer.reply(.getStatus, in: answer) else {
      Issue.record("another reply came")
      return
    }
  }

  /// Sends fields and data, and takes the answer.
  private func answer(
    _ fields: [(String, String)], _ data: [UInt8]? = HTTP2Peer.message([]), stream: UInt32 = 1
  ) throws -> HTTP2Peer.Answer {
    guard let data else {
      peer.send(HTTP2Peer.headers(stream, fields, [.endHeaders, .endStream]))
      return try peer.answer(on: stream)
    }
    peer.send(HTTP2Peer.headers(stream, fields), HTTP2Peer.Frame(.data, .endStream, stream: stream, data))
    return try peer.answer(on: stream)
  }

  private static let status = "/keyward.v1.ControlService/GetStatus"

  @Test func `A reply is headers, one message and a status`() throws {
    let answer = try peer.answer(to: .getStatus, stream: 1)
    #expect(answer.fields.map(\.name) == [":status", "content-type", "grpc-status"])
    #expect(answer.httpStatus == "200")
    #expect(answer["content-type"] == "application/grpc")
    #expect(answer.code == .ok)
    #expect(answer.blockCount == 2)
    #expect(answer.reset == nil)
    try expectServed()
  }

  @Test func `A secret is judged`() throws {
    let created = try peer.answer(
      to: .createKey(CreateKey(name: KeyName(checked: "Web"), permission: .chat)), stream: 1)
    guard case .changed(_, let key, let secret?, _) = try peer.reply(.createKey, in: created) else {
      Issue.record("no key was made: \(created)")
      return
    }
    let judged = try peer.answer(to: .validateKey(secret, .chat, asOf: nil), stream: 3)
    guard case .validateKey(let validation) = try peer.reply(.validateKey, in: judged) else { return }
    #expect(validation.verdict == .valid)
    #expect(validation.subject?.id == key.key.id)
    #expect(validation.subject?.name.text == "Web")
    let other = try peer.answer(to: .validateKey(secret, .secureMail, asOf: nil), stream: 5)
    guard case .validateKey(let refused) = try peer.reply(.validateKey, in: other) else { return }
    #expect(refused.verdict == .wrongPermission)
  }

  @Test func `A call that fails is answered with one block of fields`() throws {
    let create = OutgoingRequest.createKey(CreateKey(name: KeyName(checked: "Büro 100%"), permission: .chat))
    #expect(try peer.answer(to: create, stream: 1).code == .ok)
    let answer = try peer.answer(to: create, stream: 3)
    #expect(answer.code == .alreadyExists)
    #expect(answer.blockCount == 1)
    #expect(answer.data.isEmpty)
    #expect(answer["grpc-message"]?.contains("B%C3%BCro 100%25") == true)
    try expectServed()
  }

  @Test func `A request may come byte by byte, and with padding`() throws {
    let call = try peer.call(.getStatus)
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields(call.path)))
    for byte in call.data { peer.send(HTTP2Peer.Frame(.data, .padded, stream: 1, [3, byte, 0, 0, 0])) }
    peer.send(HTTP2Peer.Frame(.data, .endStream, stream: 1))
    #expect(try peer.answer(on: 1).code == .ok)
  }

  @Test func `Frames may come in any pieces`() throws {
    let call = try peer.call(.getStatus)
    let frames = [
      HTTP2Peer.headers(1, HTTP2Peer.fields(call.path)), HTTP2Peer.Frame(.data, .endStream, stream: 1, call.data),
    ]
    for byte in frames.flatMap(\.bytes) { peer.raw.send([byte]) }
    #expect(try peer.answer(on: 1).code == .ok)
  }

  @Test func `Requests whose data comes by turns are told apart`() throws {
    let first = CreateKey(name: KeyName(checked: "first"), permission: .chat)
    let second = CreateKey(name: KeyName(checked: "second"), permission: .secureMail)
    let calls = try [first, second].map { try peer.call(.createKey($0)).data }
    for stream in [1, 3] as [UInt32] {
      peer.send(HTTP2Peer.headers(stream, HTTP2Peer.fields("/keyward.v1.KeyService/CreateKey")))
    }
    for index in 0..<max(calls[0].count, calls[1].count) {
      for (call, stream) in zip(calls, [1, 3] as [UInt32]) where index < call.count {
        peer.send(
          HTTP2Peer.Frame(.data, index == call.count - 1 ? .endStream : [], stream: stream, [call[index]]))
      }
    }
    for (stream, name) in [(1, "first"), (3, "second")] as [(UInt32, String)] {
      guard case .changed(_, let key, _, _) = try peer.reply(.createKey, in: try peer.answer(on: stream)) else {
        return
      }
      #expect(key.key.name.text == name)
    }
  }

  @Test(arguments: [
    "localhost", "127.0.0.1:50051", "/run/keyward/keyward.sock", "%2Frun%2Fkeyward%2Fkeyward.sock", "", "unix:/a b",
  ])
  func `Any authority will do`(authority: String) throws {
    let fields = HTTP2Peer.fields(Self.status).map { $0.0 == ":authority" ? ($0.0, authority) : $0 }
    #expect(try answer(fields).code == .ok)
  }

  @Test func `No authority and no te will do`() throws {
    let fields = HTTP2Peer.fields(Self.status).filter { $0.0 != ":authority" && $0.0 != "te" }
    #expect(try answer(fields).code == .ok)
  }

  @Test(arguments: [
    "application/grpc", "application/grpc+proto", "Application/gRPC", "application/grpc;charset=utf-8",
    "application/grpc+proto; a=b",
  ])
  func `These content types are gRPC's`(type: String) throws {
    #expect(try answer(HTTP2Peer.fields(Self.status).map { $0.0 == "content-type" ? ($0.0, type) : $0 }).code == .ok)
  }

  @Test(arguments: [
    "application/json", "application/grpc+json", "application/grpc-web", "application/grpcx", "application/grp", "",
  ])
  func `Another content type is HTTP's 415`(type: String) throws {
    let answer = try answer(HTTP2Peer.fields(Self.status).map { $0.0 == "content-type" ? ($0.0, type) : $0 })
    #expect(answer.httpStatus == "415")
    #expect(answer.code == nil)
    try expectServed()
  }

  @Test func `No content type is 415 too`() throws {
    #expect(try answer(HTTP2Peer.fields(Self.status).filter { $0.0 != "content-type" }).httpStatus == "415")
  }

  @Test(arguments: ["GET", "PUT", "post", "CONNECT"])
  func `Another method than POST is HTTP's 405`(method: String) throws {
    let answer = try answer(HTTP2Peer.fields(Self.status).map { $0.0 == ":method" ? ($0.0, method) : $0 })
    #expect(answer.httpStatus == "405")
    #expect(answer["allow"] == "POST")
    try expectServed()
  }

  @Test(arguments: [
    "/", "*", "/keyward.v1.KeyService", "/keyward.v1.KeyService/Nothing", "/keyward.v1.Nothing/GetKey", "/ü%\u{1}",
  ])
  func `A path that is no method's is UNIMPLEMENTED`(path: String) throws {
    let answer = try answer(HTTP2Peer.fields(path))
    #expect(answer.code == .unimplemented)
    #expect(answer["grpc-message"]?.utf8.allSatisfy { (0x20...0x7E).contains($0) } == true)
    try expectServed()
  }

  @Test func `An endless path is not repeated at length`() throws {
    let answer = try answer(HTTP2Peer.fields("/" + String(repeating: "x", count: 5000)))
    #expect(answer.code == .unimplemented)
    #expect(try #require(answer["grpc-message"]).count < 400)
  }

  @Test(arguments: [":method", ":scheme", ":path"])
  func `A pseudo-header that is missing resets the stream`(name: String) throws {
    #expect(try answer(HTTP2Peer.fields(Self.status).filter { $0.0 != name }).reset == 1)
    try expectServed()
  }

  @Test(arguments: [":method", ":scheme", ":path", ":authority"])
  func `A pseudo-header that comes twice resets the stream`(name: String) throws {
    let fields = HTTP2Peer.fields(Self.status)
    #expect(try answer(fields.filter { $0.0 == name } + fields).reset == 1)
    try expectServed()
  }

  @Test(arguments: [
    (":status", "200"), (":protocol", "websocket"), (":", "x"), ("Upper", "case"), ("", "empty"), ("a b", "blank"),
    ("connection", "close"), ("keep-alive", "1"), ("upgrade", "h2c"), ("proxy-connection", "x"),
    ("transfer-encoding", "chunked"), ("te", "gzip"), ("x", "line\nbreak"), ("content-type", "application/grpc"),
    (":path", "/after/fields"),
  ])
  func `A field that HTTP/2 forbids resets the stream`(name: String, value: String) throws {
    #expect(try answer(HTTP2Peer.fields(Self.status, [(name, value)])).reset == 1)
    try expectServed()
  }

  @Test func `Messages end with an empty frame, with their last one, or with fields`() throws {
    let call = try peer.call(.getStatus)
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(call.path)), HTTP2Peer.Frame(.data, stream: 1, call.data),
      HTTP2Peer.headers(1, [("x-more", "fields")], [.endHeaders, .endStream]))
    #expect(try peer.answer(on: 1).code == .ok)
    peer.send(
      HTTP2Peer.headers(3, HTTP2Peer.fields(call.path)), HTTP2Peer.Frame(.data, stream: 3, call.data),
      HTTP2Peer.Frame(.data, .endStream, stream: 3))
    #expect(try peer.answer(on: 3).code == .ok)
  }

  @Test func `Fields after a message that do not end the request reset the stream, as do pseudo-headers there`() throws
  {
    let call = try peer.call(.getStatus)
    for (stream, field, flags) in [
      (1, ("x", "y"), .endHeaders), (3, (":path", "/"), [.endHeaders, .endStream]),
    ] as [(UInt32, (String, String), HTTP2Peer.Flags)] {
      peer.send(
        HTTP2Peer.headers(stream, HTTP2Peer.fields(call.path)), HTTP2Peer.Frame(.data, stream: stream, call.data),
        HTTP2Peer.headers(stream, [field], flags))
      #expect(try peer.answer(on: stream).reset == 1)
    }
    try expectServed()
  }

  @Test func `No message is UNIMPLEMENTED, and so are two`() throws {
    #expect(try answer(HTTP2Peer.fields(Self.status), nil, stream: 1).code == .unimplemented)
    #expect(try answer(HTTP2Peer.fields(Self.status), [], stream: 3).code == .unimplemented)
    let one = HTTP2Peer.message([])
    #expect(try answer(HTTP2Peer.fields(Self.status), one + one, stream: 5).code == .unimplemented)
    try expectServed()
  }

  @Test func `A message that is cut short is INVALID_ARGUMENT`() throws {
    let whole = HTTP2Peer.message([8, 1])
    for count in 1..<whole.count {
      let answer = try answer(HTTP2Peer.fields(Self.status), Array(whole[..<count]), stream: UInt32(count) * 2 - 1)
      #expect(answer.code == .invalidArgument)
    }
    try expectServed()
  }

  @Test func `A message that cannot be decoded is INVALID_ARGUMENT`() throws {
    #expect(try answer(HTTP2Peer.fields(Self.status), HTTP2Peer.message([0xFF])).code == .invalidArgument)
  }

  @Test func `A compressed message without an encoding is INTERNAL, and another flag INVALID_ARGUMENT`() throws {
    let fields = HTTP2Peer.fields(Self.status)
    #expect(try answer(fields, HTTP2Peer.message([], flag: 1), stream: 1).code == .internal)
    let named = HTTP2Peer.fields(Self.status, [("grpc-encoding", "identity")])
    #expect(try answer(named, HTTP2Peer.message([], flag: 1), stream: 3).code == .internal)
    #expect(try answer(named, HTTP2Peer.message([]), stream: 5).code == .ok)
    #expect(try answer(fields, HTTP2Peer.message([], flag: 2), stream: 7).code == .invalidArgument)
  }

  @Test func `A content-length that the data contradicts is a stream reset, and one that is right is taken`() throws {
    let cases: [(String, UInt32?)] = [("5", nil), ("4", 1), ("6", 1), ("-5", 1), ("", 1), ("5x", 1)]
    for (number, (length, code)) in cases.enumerated() {
      let fields = HTTP2Peer.fields(Self.status, [("content-length", length)])
      let answer = try answer(fields, stream: UInt32(number) * 2 + 1)
      #expect(answer.reset == code)
      #expect(answer.code == (code == nil ? .ok : nil))
    }
    try expectServed()
  }

  @Test(arguments: ["local\0host", "local\rhost", "local\nhost"])
  func `An authority that could break a line is a stream reset`(authority: String) throws {
    let fields = HTTP2Peer.fields(Self.status).map { $0.0 == ":authority" ? ($0.0, authority) : $0 }
    #expect(try answer(fields).reset == 1)
    try expectServed()
  }

  @Test func `The case of te does not count`() throws {
    let fields = HTTP2Peer.fields(Self.status).map { $0.0 == "te" ? ($0.0, "Trailers") : $0 }
    #expect(try answer(fields).code == .ok)
  }

  @Test func `Fields that may not be at the end are a stream reset on a stream of requests too`() throws {
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")),
      HTTP2Peer.headers(1, [("Upper", "case")], [.endHeaders, .endStream]))
    #expect(try peer.answer(on: 1).reset == 1)
    try expectServed()
  }

  /// A message of so many bytes by gzip: one field that is not known, of zeros.
  private func gzip(_ count: Int) throws -> [UInt8] {
    let field = count - 4
    let head: [UInt8] = [15 << 3 | 2, UInt8(field & 0x7F) | 0x80, UInt8(field >> 7 & 0x7F) | 0x80, UInt8(field >> 14)]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/gzip")
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    DispatchQueue.global().async {
      input.fileHandleForWriting.write(Data(head + [UInt8](repeating: 0, count: field)))
      try? input.fileHandleForWriting.close()
    }
    return Array(output.fileHandleForReading.readDataToEndOfFile())
  }

  @Test func `A message by gzip is taken, and so is a plain one of the same call's encoding`() throws {
    let fields = HTTP2Peer.fields(Self.status, [("grpc-encoding", "gzip")])
    let packed = try gzip(60_000)
    #expect(packed.count < 1000)
    #expect(try answer(fields, HTTP2Peer.message(packed, flag: 1), stream: 1).code == .ok)
    #expect(try answer(fields, HTTP2Peer.message([]), stream: 3).code == .ok)
  }

  @Test func `What is no whole gzip is INTERNAL, and what unpacks to too much RESOURCE_EXHAUSTED`() throws {
    let fields = HTTP2Peer.fields(Self.status, [("grpc-encoding", "gzip")])
    let packed = try gzip(1000)
    for (number, wrong) in [[], [1, 2, 3], Array(packed.dropLast()), packed + [0], packed + packed].enumerated() {
      let answer = try answer(fields, HTTP2Peer.message(wrong, flag: 1), stream: UInt32(number) * 2 + 1)
      #expect(answer.code == .internal)
    }
    let bomb = try gzip(2_000_000)
    #expect(try answer(fields, HTTP2Peer.message(bomb, flag: 1), stream: 51).code == .resourceExhausted)
    // The most secrets there may be, of the greatest length, are less.
    let secrets = HTTP2Peer.fields("/keyward.v1.ValidationService/ValidateKeys", [("grpc-encoding", "gzip")])
    #expect(try answer(secrets, HTTP2Peer.message(bomb, flag: 1), stream: 53).code == .resourceExhausted)
    // A method whose messages may be long looks at what it unpacks to, which asks nothing.
    let many = HTTP2Peer.fields("/keyward.v1.KeyService/BatchDeleteKeys", [("grpc-encoding", "gzip")])
    #expect(try answer(many, HTTP2Peer.message(bomb, flag: 1), stream: 55).code == .invalidArgument)
    let server = try TestServer { $0.messageBytes = 1_000_000 }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, many), HTTP2Peer.Frame(.data, .endStream, stream: 1, HTTP2Peer.message(bomb, flag: 1)))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
  }

  @Test(arguments: ["snappy", "br", "", "GZIP"])
  func `An encoding that is not known is UNIMPLEMENTED, and told which are`(encoding: String) throws {
    let answer = try answer(HTTP2Peer.fields(Self.status, [("grpc-encoding", encoding)]))
    #expect(answer.code == .unimplemented)
    #expect(answer["grpc-accept-encoding"]?.hasPrefix("identity") == true)
  }

  @Test(arguments: ["1", "S", "123456789S", "-1S", ""])
  func `A timeout that is none is INVALID_ARGUMENT`(timeout: String) throws {
    #expect(try answer(HTTP2Peer.fields(Self.status, [("grpc-timeout", timeout)])).code == .invalidArgument)
  }

  @Test func `A timeout that has passed is DEADLINE_EXCEEDED`() throws {
    #expect(try answer(HTTP2Peer.fields(Self.status, [("grpc-timeout", "1n")])).code == .deadlineExceeded)
    #expect(try answer(HTTP2Peer.fields(Self.status, [("grpc-timeout", "0S")]), stream: 3).code == .deadlineExceeded)
    #expect(try answer(HTTP2Peer.fields(Self.status, [("grpc-timeout", "1M")]), stream: 5).code == .ok)
  }

  @Test func `A call that waits is answered when its time is over, and its change not made`() throws {
    server.gate.shut()
    let key = CreateKey(name: KeyName(checked: "at work"), permission: .chat)
    try peer.begin(.createKey(key), stream: 1)
    try server.gate.waitForArrival()
    let late = CreateKey(name: KeyName(checked: "too late"), permission: .chat)
    #expect(try peer.answer(to: .createKey(late), stream: 3, [("grpc-timeout", "20m")]).code == .deadlineExceeded)
    server.gate.open()
    #expect(try peer.answer(on: 1).code == .ok)
    #expect(try peer.answer(to: .getKey(.name(late.name)), stream: 5).code == .notFound)
  }

  @Test func `A call that is cancelled before it has begun changes nothing`() throws {
    server.gate.shut()
    try peer.begin(.createKey(CreateKey(name: KeyName(checked: "at work"), permission: .chat)), stream: 1)
    try server.gate.waitForArrival()
    let cancelled = CreateKey(name: KeyName(checked: "cancelled"), permission: .chat)
    try peer.begin(.createKey(cancelled), stream: 3)
    peer.send(HTTP2Peer.reset(3))
    try peer.settle()
    server.gate.open()
    #expect(try peer.answer(on: 1).code == .ok)
    #expect(try peer.answer(to: .getKey(.name(cancelled.name)), stream: 5).code == .notFound)
    #expect(peer[3].fields.isEmpty)
  }

  @Test func `A call that its head has refused is answered when its request is whole`() throws {
    let server = try TestServer { $0.lingerSeconds = 30 }
    let peer = try HTTP2Peer(server.connect())
    peer.send(HTTP2Peer.headers(1, HTTP2Peer.fields("/keyward.v1.KeyService/Nothing")))
    try peer.settle()
    #expect(peer[1].fields.isEmpty)
    peer.send(HTTP2Peer.Frame(.data, .endStream, stream: 1, [1, 2, 3]))
    #expect(try peer.answer(on: 1).code == .unimplemented)
    try peer.settle()
    #expect(peer[1].reset == nil)
  }

  @Test func `An answer before the request's end is left alone while the peer sends the rest`() throws {
    let server = try TestServer { $0.lingerSeconds = 30 }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.Frame(.data, stream: 1, [0, 0xFF, 0, 0, 0]))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
    // More than a window.
    for _ in 0..<20 {
      peer.send(HTTP2Peer.Frame(.data, stream: 1, [UInt8](repeating: 0, count: 10_000)))
      try peer.settle()
    }
    peer.send(HTTP2Peer.Frame(.data, .endStream, stream: 1, [1]))
    #expect(try peer.answer(to: .getStatus, stream: 3).code == .ok)
    #expect(peer[1].reset == nil)
  }

  @Test func `An answered request that goes on past the limit is reset with NO_ERROR`() throws {
    let server = try TestServer {
      $0.messageBytes = 1000
      $0.lingerSeconds = 30
    }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.Frame(.data, stream: 1, [0, 0xFF, 0, 0, 0]))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
    peer.send(HTTP2Peer.Frame(.data, stream: 1, [UInt8](repeating: 0, count: 1001)))
    try peer.take { peer[1].reset != nil }
    #expect(peer[1].reset == 0)
  }

  @Test(arguments: [(0.2, 30), (30, 0.2)])
  func `An answered request that is not whole in its time is reset with NO_ERROR`(
    whole: Double, pause: Double
  ) throws {
    let server = try TestServer {
      $0.frameSeconds = whole
      $0.lingerSeconds = pause
    }
    let peer = try HTTP2Peer(server.connect())
    peer.send(
      HTTP2Peer.headers(1, HTTP2Peer.fields(Self.status)), HTTP2Peer.Frame(.data, stream: 1, [0, 0xFF, 0, 0, 0]))
    #expect(try peer.answer(on: 1).code == .resourceExhausted)
    try peer.take { peer[1].reset != nil }
    #expect(peer[1].reset == 0)
    #expect(try peer.answer(to: .getStatus, stream: 3).code == .ok)
  }

  @Test func `A peer that shuts its side mid-call is answered and then closed`() throws {
    try peer.begin(.createKey(CreateKey(name: KeyName(checked: "last words"), permission: .chat)), stream: 1)
    peer.raw.shutWriting()
    #expect(try peer.answer(on: 1).code == .ok)
    try peer.takeRest()
  }

  @Test func `What has come of one connection is answered in one turn, in order`() throws {
    for stream in stride(from: 1, through: 199, by: 2) as StrideThrough<UInt32> {
      try peer.begin(.getStatus, stream: stream)
    }
    for stream in stride(from: 1, through: 199, by: 2) as StrideThrough<UInt32> {
      #expect(try peer.answer(on: stream).code == .ok)
    }
  }

  @Test func `Without gRPC the connection is closed`() throws {
    let server = try TestServer { $0.speaksGRPC = false }
    let raw = try server.connect()
    raw.send(HTTP2Peer.preface)
    #expect(try raw.read(1) == nil)
    try server.connect().expectServed()
  }
}
