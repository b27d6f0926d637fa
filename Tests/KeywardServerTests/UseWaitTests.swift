import Dispatch
import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// Validations that wait for the store to reserve their uses.
@Suite struct UseWaitTests {
  private func make(_ server: TestServer, _ total: Int64, name: String = "k") throws -> Secret {
    let request = CreateKey(name: try KeyName(name), permission: .chat, useLimit: try UseLimit(total: total))
    guard case .changed(_, _, let secret?, _) = try server.connect().call(.createKey(request)).get() else {
      throw RawConnection.Failure(message: "no secret came")
    }
    return secret
  }

  private func send(
    _ secret: Secret, on peer: RawConnection, stream: UInt32, timeout: Int64 = 0
  ) throws {
    peer.send(try peer.frame(.validateKey(secret, .chat, asOf: nil), stream: stream, timeout: timeout))
  }

  private func verdict(_ peer: RawConnection, stream: UInt32) throws -> Verdict? {
    let (answered, result) = try #require(try peer.receive(.validateKey))
    #expect(answered == stream)
    guard case .validateKey(let validation) = try result.get() else { return nil }
    return validation.verdict
  }

  private func ask(_ secret: Secret, _ server: TestServer) throws -> Verdict? {
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1)
    return try verdict(peer, stream: 1)
  }

  @Test func `A use that is not reserved waits for the store, and others are served meanwhile`() throws {
    let server = try TestServer()
    let secret = try make(server, 2)
    #expect(server.store.reserveCount == 0)
    server.gate.shut()
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1)
    try server.gate.waitForArrival()
    try peer.expectServed()
    #expect(try ask(.text("kw_chat_typo"), server) == .malformed)
    server.gate.open()
    #expect(try verdict(peer, stream: 1) == .valid)
    #expect(server.store.reservations.map(\.count) == [1])
    #expect(try ask(secret, server) == .valid && ask(secret, server) == .usageExceeded)
  }

  @Test func `Validations that wait for one key share one reservation, and are granted what there is`() throws {
    let server = try TestServer()
    let secret = try make(server, 20)
    server.gate.shut()
    let first = try server.connect()
    try send(secret, on: first, stream: 1)
    try server.gate.waitForArrival()
    // These come while the first one's reservation is under way.
    let peers = try (0..<8).map { _ in try server.connect() }
    for peer in peers { for stream in [1, 3, 5] as [UInt32] { try send(secret, on: peer, stream: stream) } }
    for peer in peers { try peer.expectUnanswered(while: first) }
    server.gate.open()
    #expect(try verdict(first, stream: 1) == .valid)
    var verdicts: [Verdict?] = []
    for peer in peers { for stream in [1, 3, 5] as [UInt32] { verdicts.append(try verdict(peer, stream: stream)) } }
    #expect(verdicts.filter { $0 == .valid }.count == 19)
    #expect(verdicts.filter { $0 == .usageExceeded }.count == 5)
    // One for the first, one for all that came then, and at most one before it was needed.
    #expect((2...3).contains(server.store.reserveCount))
  }

  @Test(arguments: [
    (StoreError.unavailable("the disk failed"), StatusCode.unavailable), (.exhausted("full"), .resourceExhausted),
    (.damaged("torn"), .internal),
  ])
  func `A store that cannot reserve gives its error and no verdict, and takes no use`(
    error: StoreError, code: StatusCode
  ) throws {
    let server = try TestServer()
    let secret = try make(server, 1)
    server.store.failNextCommit(with: error)
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1)
    #expect(try #require(try peer.receiveError()).code == code)
    #expect(try ask(secret, server) == .valid)
    #expect(try ask(secret, server) == .usageExceeded)
  }

  @Test func `A validation whose deadline passes while it waits is DEADLINE_EXCEEDED, and takes no use`() throws {
    let server = try TestServer()
    let secret = try make(server, 1)
    server.gate.shut()
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1, timeout: 100_000_000)
    try server.gate.waitForArrival()
    // It is at the store, and another comes that has all the time there is.
    let late = try #require(try peer.receiveError())
    #expect(late.stream == 1 && late.code == .deadlineExceeded)
    server.gate.open()
    #expect(try ask(secret, server) == .valid)
    #expect(try ask(secret, server) == .usageExceeded)
  }

  @Test func `A validation whose connection goes while it waits takes no use`() throws {
    let server = try TestServer()
    let secret = try make(server, 1)
    let other = try server.connect()
    server.gate.shut()
    var leaving: RawConnection? = try server.connect()
    try send(secret, on: try #require(leaving), stream: 1)
    try server.gate.waitForArrival()
    leaving = nil
    try other.expectConnections(1)
    server.gate.open()
    #expect(try ask(secret, server) == .valid)
    #expect(try ask(secret, server) == .usageExceeded)
  }

  @Test func `A batch waits as a whole, and uses no entry twice`() throws {
    let server = try TestServer()
    let ten = try make(server, 10, name: "ten")
    let two = try make(server, 2, name: "two")
    func batch(_ secrets: [Secret]) throws -> [Verdict] {
      let request = OutgoingRequest.validateKeys(secrets.map { ($0, .chat) }, asOf: nil)
      guard case .validateKeys(let validations, let revision) = try server.connect().call(request).get() else {
        return []
      }
      #expect(revision == 2)
      return validations.map(\.verdict)
    }
    #expect(try ask(two, server) == .valid)
    #expect(
      try batch([two] + Array(repeating: ten, count: 9) + [two])
        == Array(repeating: .valid, count: 10) + [.usageExceeded])
    #expect(try batch([two, ten, ten]) == [.usageExceeded, .valid, .usageExceeded])
  }

  @Test func `Validations that wait count among the waiting calls of their connection`() throws {
    let server = try TestServer { $0.callsInFlight = 2 }
    let secret = try make(server, 10)
    server.gate.shut()
    let peer = try server.connect()
    for stream in [1, 3] as [UInt32] { try send(secret, on: peer, stream: stream) }
    peer.send(try peer.frame(.getStatus, stream: 5))
    try server.connect().expectServed()
    server.gate.open()
    let streams = try (0..<3).map { _ in try #require(try peer.receive()).stream }
    #expect(streams.first != 5 && Set(streams) == [1, 3, 5])
  }

  @Test func `Validations that wait are bounded, and keep out no change`() throws {
    let server = try TestServer { $0.commandsWaiting = 2 }
    let secret = try make(server, 10)
    server.gate.shut()
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1)
    try server.gate.waitForArrival()
    for stream in [3, 5] as [UInt32] { try send(secret, on: peer, stream: stream) }
    try peer.expectServed()
    let other = try server.connect()
    try send(secret, on: other, stream: 1)
    #expect(try #require(try other.receiveError()).code == .resourceExhausted)
    other.send(try other.frame(.change(ChangeRequest(.delete(.sample(9)))), stream: 3))
    try other.expectServed()
    server.gate.open()
    #expect(try #require(try other.receiveError()).code == .notFound)
    for stream in [1, 3, 5] as [UInt32] { #expect(try verdict(peer, stream: stream) == .valid) }
  }

  @Test func `A validation that waits is answered before the server stops, and its use is kept`() throws {
    let server = try TestServer()
    let secret = try make(server, 50)
    server.gate.shut()
    let peer = try server.connect()
    try send(secret, on: peer, stream: 1)
    try server.gate.waitForArrival()
    let stopped = DispatchSemaphore(value: 0)
    Thread {
      server.stop()
      stopped.signal()
    }.start()
    server.gate.open()
    #expect(try verdict(peer, stream: 1) == .valid)
    try #require(stopped.wait(timeout: .now() + 30) == .success)
    #expect(server.store.reservations.map(\.count) == [1])
  }
}
