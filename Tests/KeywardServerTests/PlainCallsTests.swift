import Dispatch
import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// Plain calls, which are answered together, among calls of every other kind.
@Suite struct PlainCallsTests {
  private static let keyCount = 8

  /// Every second key has a total of one use.
  private func makeKeys(_ server: TestServer) throws -> [Secret] {
    try (0..<Self.keyCount).map { number in
      let request = CreateKey(
        name: try KeyName("key-\(number)"), permission: number % 3 == 0 ? .secureMail : .chat,
        useLimit: number % 2 == 1 ? try UseLimit(total: 1) : nil)
      guard case .changed(_, _, let secret?, _) = try server.connect().call(.createKey(request)).get() else {
        throw RawConnection.Failure(message: "no secret came")
      }
      return secret
    }
  }

  /// What a frame that was sent is to be answered with.
  private enum Expected {
    case verdicts(Set<Verdict>)
    case code(StatusCode)
    case identity
  }

  /// Frames of every kind in no order, and what answers each of them.
  private func frames(
    _ count: Int, _ secrets: [Secret], _ peer: RawConnection, _ generator: inout SampleGenerator
  ) throws -> (bytes: [UInt8], expected: [UInt32: Expected]) {
    var bytes: [UInt8] = []
    var expected: [UInt32: Expected] = [:]
    for place in 0..<count {
      var stream = UInt32(place * 2 + 1)
      let request: OutgoingRequest
      var timeout: Int64 = 0
      switch Int.random(in: 0..<20, using: &generator) {
      case 0:
        request = .whoAmI
        expected[stream] = .identity
      case 1:
        request = .getKey(.id(.sample(9999)))
        expected[stream] = .code(.notFound)
      case 2:
        stream += 1
        request = .validateKey(.sample(1), .chat, asOf: nil)
        expected[stream] = .code(.invalidArgument)
      case 3:
        request = .validateKey(.text("kw_chat_typo"), .chat, asOf: nil)
        expected[stream] = .verdicts([.malformed])
      case 4:
        request = .validateKey(.text("ö"), .chat, asOf: nil)
        expected[stream] = .verdicts([.notFound])
      case 5:
        request = .validateKey(.sample(77), .chat, asOf: nil)
        timeout = 60_000_000_000
        expected[stream] = .verdicts([.notFound])
      default:
        let number = Int.random(in: 0..<Self.keyCount, using: &generator)
        request = .validateKey(secrets[number], .chat, asOf: nil)
        timeout = Bool.random(using: &generator) ? 0 : 60_000_000_000
        let verdicts: Set<Verdict> = number % 2 == 1 ? [.valid, .usageExceeded] : [.valid]
        expected[stream] = .verdicts(number % 3 == 0 ? [.wrongPermission] : verdicts)
      }
      bytes += try peer.frame(request, stream: stream, timeout: timeout)
    }
    return (bytes, expected)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `Calls of every kind are answered once each, however their bytes come`(seed: UInt64) throws {
    var generator = SampleGenerator(seed: seed)
    let server = try TestServer { $0.callsInFlight = seed % 2 == 0 ? 1024 : 3 }
    let secrets = try makeKeys(server)
    let peer = try server.connect()
    let (bytes, expected) = try frames(4000, secrets, peer, &generator)
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(.random(in: 1...[100, 3000, 200_000][Int(seed / 2)], using: &generator))
      pieces.append(Array(piece))
      rest = rest.dropFirst(piece.count)
    }
    let sender = Thread { [pieces, fd = dup(peer.descriptor)] in
      for piece in pieces { _ = piece.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) } }
      close(fd)
    }
    sender.start()
    var left = expected
    var uses = 0
    while !left.isEmpty {
      let frame = try #require(try peer.receive(), "closed")
      let found = left.removeValue(forKey: frame.stream)
      let wanted = try #require(found, "stream \(frame.stream) was answered twice")
      let arena = Arena()
      func decoded(_ method: Method) throws -> Result<Reply, CallError> {
        try frame.data.withUnsafeBytes { try TTRPCEnvelope.decode($0, of: method, in: arena) }
      }
      switch wanted {
      case .identity: #expect(throws: Never.self) { try decoded(.whoAmI).get() }
      case .code(let code):
        guard case .failure(let error) = try decoded(.whoAmI) else {
          Issue.record("stream \(frame.stream) has no error")
          continue
        }
        #expect(error.code == code)
      case .verdicts(let verdicts):
        guard case .validateKey(let validation) = try decoded(.validateKey).get() else { continue }
        #expect(verdicts.contains(validation.verdict))
        if verdicts.count == 2, validation.verdict == .valid { uses += 1 }
      }
    }
    // Of the keys that are for this permission those with a total: 1, 5 and 7.
    #expect(uses == 3)
    try peer.expectServed(stream: 99_999)
  }

  @Test(arguments: [true, false])
  func `Of two calls of one read on one stream the first is answered, and the other refused while it waits`(
    bothWait: Bool
  ) throws {
    let server = try TestServer()
    let secrets = try makeKeys(server)
    server.gate.shut()
    let peer = try server.connect()
    peer.send(
      try peer.frame(.validateKey(secrets[1], .chat, asOf: nil), stream: 1)
        + peer.frame(.validateKey(secrets[bothWait ? 5 : 2], .chat, asOf: nil), stream: 1))
    let refused = try #require(try peer.receiveError())
    #expect(refused.stream == 1 && refused.code == .invalidArgument)
    try server.gate.waitForArrival()
    server.gate.open()
    guard case .validateKey(let validation) = try #require(try peer.receive(.validateKey)).1.get() else {
      Issue.record("no verdict")
      return
    }
    #expect(validation.verdict == .valid)
    try peer.expectServed()
  }

  @Test func `A plain call whose time is up is DEADLINE_EXCEEDED`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    peer.send(
      try peer.frame(.validateKey(.sample(1), .chat, asOf: nil), stream: 1, timeout: 1)
        + peer.frame(.validateKey(.sample(1), .chat, asOf: nil), stream: 3))
    let late = try #require(try peer.receiveError())
    #expect(late.stream == 1 && late.code == .deadlineExceeded)
    let (stream, result) = try #require(try peer.receive(.validateKey))
    guard case .validateKey(let validation) = try result.get() else {
      Issue.record("no verdict")
      return
    }
    #expect(stream == 3 && validation.verdict == .notFound)
  }

  @Test func `Plain calls that have come are answered before the server stops, and before a peer that left is closed`()
    throws
  {
    let server = try TestServer()
    let peers = try (0..<100).map { _ in try server.connect() }
    for peer in peers {
      peer.send(try peer.frame(.validateKey(.sample(1), .chat, asOf: nil), stream: 1))
      peer.shutWriting()
    }
    server.stop()
    for peer in peers {
      let (stream, _) = try #require(try peer.receive(.validateKey))
      #expect(stream == 1)
      #expect(try peer.receive() == nil)
    }
  }

  @Test func `Peers that ask at once all get their answers, whatever each asks and whoever leaves meanwhile`() throws {
    let server = try TestServer()
    let secrets = try makeKeys(server)
    for round in 0..<32 {
      var peers: [RawConnection?] = try (0..<24).map { _ in try server.connect() }
      // The second of three takes the long way.
      let counts = (0..<24).map { number in [1, 200, 3, 1][(number + round) % 4] }
      // Half of the peers present a secret of no key.
      let verdicts = (0..<24).map { number in number % 2 == 0 ? Verdict.valid : .notFound }
      for (number, peer) in peers.enumerated() {
        guard let peer else { continue }
        var bytes: [UInt8] = []
        for call in 0..<counts[number] {
          let secret = verdicts[number] == .valid ? secrets[2] : .sample(77)
          let isLong = counts[number] == 3 && call == 1
          let request: OutgoingRequest = isLong ? .whoAmI : .validateKey(secret, .chat, asOf: nil)
          bytes += try peer.frame(request, stream: UInt32(call * 2 + 1))
        }
        peer.send(bytes)
      }
      // Every fourth leaves before it can have taken all its answers, each time of another kind.
      for number in peers.indices where (number + round / 4) % 4 == 3 { peers[number] = nil }
      for (number, peer) in peers.enumerated() {
        guard let peer else { continue }
        var left = Set((0..<counts[number]).map { UInt32($0 * 2 + 1) })
        while !left.isEmpty {
          let frame = try #require(try peer.receive(), "closed")
          #expect(left.remove(frame.stream) != nil, "stream \(frame.stream) was answered twice")
          guard counts[number] != 3 || frame.stream != 3 else { continue }
          let arena = Arena()
          let result = try frame.data.withUnsafeBytes { try TTRPCEnvelope.decode($0, of: .validateKey, in: arena) }
          guard case .validateKey(let validation) = try result.get() else { continue }
          #expect(validation.verdict == verdicts[number])
        }
        try peer.expectServed(stream: 99_999)
      }
    }
  }
}
