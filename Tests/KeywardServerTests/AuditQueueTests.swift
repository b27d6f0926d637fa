import KeywardCore
import KeywardWire
import TestSupport
import Testing

@testable import KeywardServer

/// Questions to the audit, which go to the store among the changes.
@Suite struct AuditQueueTests {
  private func question(_ peer: RawConnection, stream: UInt32, timeout: Int64 = 0) throws -> [UInt8] {
    try peer.frame(.listAuditEvents(AuditPageQuery(AuditQuery())), stream: stream, timeout: timeout)
  }

  @Test func `A question waits its turn, keeps nobody else waiting, and sees the changes before it`() throws {
    let server = try TestServer()
    server.gate.shut()
    let peer = try server.connect()
    peer.send(try peer.create("k", stream: 1) + question(peer, stream: 3))
    try server.connect().expectServed()
    server.gate.open()
    #expect(try #require(try peer.receive(.createKey)).stream == 1)
    let (stream, result) = try #require(try peer.receive(.listAuditEvents))
    #expect(stream == 3)
    guard case .listAuditEvents(let page, let revision) = try result.get() else {
      Issue.record("not the audit")
      return
    }
    #expect(page.events.map(\.type) == [.created])
    #expect(revision == 1)
  }

  @Test func `A question whose deadline passes while it waits is DEADLINE_EXCEEDED`() throws {
    let server = try TestServer()
    server.gate.shut()
    let peer = try server.connect()
    peer.send(try peer.create("k", stream: 1) + question(peer, stream: 3, timeout: 50_000_000))
    let late = try #require(try peer.receiveError())
    #expect(late.stream == 3 && late.code == .deadlineExceeded)
    server.gate.open()
    #expect(try #require(try peer.receive(.createKey)).stream == 1)
  }

  @Test func `A connection with its fill of large calls is not read from until one is over`() throws {
    let server = try TestServer { $0.largeCallsInFlight = 2 }
    server.gate.shut()
    let peer = try server.connect()
    peer.send(
      try peer.create("k", stream: 1) + question(peer, stream: 3) + question(peer, stream: 5)
        + peer.frame(.getStatus, stream: 7))
    // The others are served meanwhile.
    try server.connect().expectServed()
    server.gate.open()
    let streams = try (0..<4).map { _ in try #require(try peer.receive()).stream }
    #expect(Set(streams) == [1, 3, 5, 7])
    #expect(streams.firstIndex(of: 7)! > streams.firstIndex(of: 3)!, "\(streams)")
  }

  @Test func `Questions count among what may wait for the store`() throws {
    let server = try TestServer {
      $0.commandsWaiting = 2
      $0.largeCallsInFlight = 100
    }
    server.gate.shut()
    let peer = try server.connect()
    peer.send(try peer.create("k", stream: 1))
    for stream in stride(from: 3, through: 21, by: 2) as StrideThrough<UInt32> {
      peer.send(try question(peer, stream: stream))
    }
    #expect(try #require(try peer.receiveError()).code == .resourceExhausted)
    server.gate.open()
  }

  @Test func `Questions and changes that gather are all answered before the server stops`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    var frames: [UInt8] = []
    for number in 0..<100 as Range<UInt32> {
      frames += try peer.create("k\(number)", stream: number * 4 + 1) + question(peer, stream: number * 4 + 3)
    }
    peer.send(frames)
    var streams: Set<UInt32> = []
    for _ in 0..<200 { streams.insert(try #require(try peer.receive()).stream) }
    #expect(streams.count == 200)
    server.stop()
    #expect(server.store.keys.count == 100)
  }

  @Test func `Each method needs its right`() {
    let expected: [(Method, Rights)] = [
      (.validateKey, .canValidate), (.validateKeys, .canValidate), (.createKey, .canCreate), (.copyKey, .canCreate),
      (.importKeys, .canCreate),
      (.getKey, .canRead), (.listKeys, .canView), (.updateKey, .canUpdate), (.revokeKey, .canUpdate),
      (.rotateKey, .canUpdate), (.deleteKey, .canDelete), (.undeleteKey, .canDelete), (.listAuditEvents, .canAudit),
      (.batchUpdateKeys, .canUpdate), (.batchRevokeKeys, .canUpdate), (.batchDeleteKeys, .canDelete),
      (.verifyAudit, .canAudit), (.watchKeys, .canRead),
      (.getStatus, .canOperate), (.reload, .canOperate), (.whoAmI, []),
    ]
    #expect(expected.map(\.0).count == Method.allCases.count)
    for (method, right) in expected {
      #expect(method.right == right, "\(method)")
      #expect(method.takesPartOfRight == (right == .canValidate))
    }
  }
}
