import Dispatch
import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// What becomes of calls whose peer has gone, or whose time is over at the end.
@Suite struct DepartureTests {
  let server: TestServer
  let peer: RawConnection

  init() throws {
    server = try TestServer { $0.drainSeconds = 0 }
    peer = try server.connect()
    // A commit is at work and stays so, and all that comes now waits for the next.
    server.gate.shut()
    peer.send(try peer.create("at work", stream: 1001))
    try server.gate.waitForArrival()
  }

  private var names: [String] { server.store.keys.map(\.key.name.text) }

  @Test func `A change that has not begun when its peer goes is not made`() throws {
    var leaving: RawConnection? = try server.connect()
    leaving?.send(try peer.create("abandoned", stream: 1))
    try leaving?.expectUnanswered(while: peer)
    leaving = nil
    try peer.expectConnections(1)
    server.gate.open()
    #expect(try #require(try peer.receive(.createKey)).stream == 1001)
    try peer.expectCreated("later", stream: 3)
    #expect(names == ["at work", "later"])
  }

  @Test func `A change is made for a peer that has only said that it sends no more`() throws {
    let quiet = try server.connect()
    quiet.send(try quiet.create("wanted", stream: 1))
    quiet.shutWriting()
    server.gate.open()
    #expect(throws: Never.self) { try #require(try quiet.receive(.createKey)).1.get() }
    #expect(names == ["at work", "wanted"])
  }

  @Test func `What has not begun when the time to end is over is not done, however long the store takes`() throws {
    for number in 1...50 { peer.send(try peer.create("late \(number)", stream: UInt32(number) * 2 + 1)) }
    try peer.expectServed()
    let stopped = DispatchSemaphore(value: 0)
    Thread { [server] in
      server.stop()
      stopped.signal()
    }.start()
    #expect(try peer.receive() == nil, "it is cut off")
    server.gate.open()
    try #require(stopped.wait(timeout: .now() + 30) == .success)
    #expect(names == ["at work"])
  }
}
