import Foundation
import KeywardCore
import KeywardServer
import KeywardWire
import TestSupport
import Testing

/// What one peer may make the server hold, and for how long.
@Suite struct LimitTests {
  @Test func `A frame that does not come whole in its time ends the connection`() throws {
    let server = try TestServer { $0.frameSeconds = 0.2 }
    let slow = try server.connect()
    slow.send(RawConnection.header(length: 1000, stream: 1, type: 1))
    #expect(try slow.receive() == nil)
    // A connection that has begun nothing has all the time there is.
    try server.connect().expectServed()
  }

  @Test func `A peer that takes none of its replies for long is closed`() throws {
    let server = try TestServer { $0.stallSeconds = 0.2 }
    let deaf = try server.connect()
    _ = deaf.sendUntilBlocked(Array(repeatElement(try deaf.frame(.getStatus, stream: 1), count: 100_000).joined()))
    var polled = pollfd(fd: deaf.descriptor, events: 0, revents: 0)
    #expect(poll(&polled, 1, 30_000) == 1)
    #expect(polled.revents & Int16(POLLHUP) != 0)
  }

  @Test func `A deadline met does not end a connection for replies that have none`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    for number in 0..<50 {
      let name = String(repeating: "n", count: 120) + "\(number)"
      try peer.expectCreated(name, stream: UInt32(number * 2 + 1))
    }
    // The first reply is taken at once; the rest fill the socket and wait past the first one's deadline.
    peer.send(try peer.frame(.getStatus, stream: 1, timeout: 200_000_000))
    #expect(try peer.receive(.getStatus) != nil)
    let lists = 2000
    let calls = try (0..<lists).flatMap { _ in try peer.frame(.listKeys(try ListQuery(pageSize: 50)), stream: 3) }
    _ = peer.sendUntilBlocked(calls)
    // sendUntilBlocked has waited for a second by now.
    for _ in 0..<10 { #expect(try #require(try peer.receive(.listKeys)).stream == 3) }
  }

  @Test func `What has come of long frames has a common limit, and a refused one is read past`() throws {
    let server = try TestServer { $0.largeFrames = 150_000 }
    let holder = try server.connect()
    holder.send(RawConnection.header(length: 200_000, stream: 1, type: 1) + [UInt8](repeating: 0xFF, count: 199_999))
    let other = try server.connect()
    // What is sent of the first must have arrived before the second begins.
    try holder.expectUnanswered(while: other)
    other.send(RawConnection.header(length: 200_000, stream: 3, type: 1) + [UInt8](repeating: 0xFF, count: 190_000))
    let refusal = try #require(try other.receiveError())
    #expect(refusal.stream == 3)
    #expect(refusal.code == .resourceExhausted)
    other.send([UInt8](repeating: 0xFF, count: 10_000))
    try other.expectServed(stream: 5)
    // The end of the holder's frame gives its part back.
    holder.send([0xFF])
    #expect(try #require(try holder.receiveError()).code == .invalidArgument)
    other.send(RawConnection.header(length: 200_000, stream: 7, type: 1) + [UInt8](repeating: 0xFF, count: 200_000))
    #expect(try #require(try other.receiveError()).code == .invalidArgument)
  }

  @Test func `Headers of long frames alone take nothing from others`() throws {
    let server = try TestServer { $0.largeFrames = 150_000 }
    let announcers = try (0..<50).map { _ in try server.connect() }
    for peer in announcers { peer.send(RawConnection.header(length: FrameHeader.maxDataByteCount, stream: 1, type: 1)) }
    let other = try server.connect()
    other.send(RawConnection.header(length: 200_000, stream: 7, type: 1) + [UInt8](repeating: 0xFF, count: 200_000))
    #expect(try #require(try other.receiveError()).code == .invalidArgument)
  }

  @Test func `Calls that are answered late do not end their connection`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    let call = try peer.frame(.getStatus, stream: 1, timeout: 1)
    let calls = Array(repeatElement(call, count: 20_000).joined())
    let count = peer.sendUntilBlocked(calls) / call.count
    for _ in 0..<count { #expect(try #require(try peer.receiveError()).code == .deadlineExceeded) }
  }

  @Test func `Connections past the limit are closed, and room is made when one goes`() throws {
    let server = try TestServer { $0.connections = 2 }
    let first = try server.connect()
    try first.expectServed()
    var second: RawConnection? = try server.connect()
    try second?.expectServed()
    let third = try server.connect()
    #expect(try third.receive() == nil)
    second?.shutWriting()
    #expect(try second?.receive() == nil)
    second = nil
    try server.connect().expectServed()
  }

  @Test func `A connection with its fill of waiting calls is not read from until one is over`() throws {
    let server = try TestServer { $0.callsInFlight = 2 }
    server.gate.shut()
    let peer = try server.connect()
    for stream in [1, 3, 5] as [UInt32] { peer.send(try peer.create("k\(stream)", stream: stream)) }
    peer.send(try peer.frame(.getStatus, stream: 7))
    // The others are served meanwhile.
    try server.connect().expectServed()
    server.gate.open()
    let streams = try (0..<4).map { _ in try #require(try peer.receive()).stream }
    #expect(streams.firstIndex(of: 7)! > 1, "the fourth call was answered before two of the first: \(streams)")
    #expect(Set(streams) == [1, 3, 5, 7])
  }

  @Test func `Changes past what may wait for the store are refused`() throws {
    let server = try TestServer { $0.commandsWaiting = 2 }
    server.gate.shut()
    let peer = try server.connect()
    for stream in stride(from: 1, through: 21, by: 2) as StrideThrough<UInt32> {
      peer.send(try peer.create("k\(stream)", stream: stream))
    }
    // One batch is at work and two commands wait; the rest are refused at once.
    let refusal = try #require(try peer.receiveError())
    #expect(refusal.code == .resourceExhausted)
    server.gate.open()
  }

  @Test func `A change whose deadline passes while it waits is DEADLINE_EXCEEDED, and not made`() throws {
    let server = try TestServer()
    server.gate.shut()
    let peer = try server.connect()
    // The first is at work when the second comes, which therefore has not begun when its time is over.
    peer.send(try peer.create("at work", stream: 1))
    try server.connect().expectServed()
    peer.send(try peer.create("too late", stream: 3, timeout: 100_000_000))
    let late = try #require(try peer.receiveError())
    #expect(late.stream == 3)
    #expect(late.code == .deadlineExceeded)
    // The same id may be used again: the late call's own reply is not taken for the new one's.
    peer.send(try peer.frame(.getStatus, stream: 3))
    #expect(throws: Never.self) { try #require(try peer.receive(.getStatus)).1.get() }
    server.gate.open()
    #expect(try #require(try peer.receive(.createKey)).stream == 1)
    server.stop()
    #expect(server.store.keys.map(\.key.name.text).contains("at work"))
  }

  @Test(arguments: [
    (StoreError.unavailable("the disk failed"), StatusCode.unavailable), (.exhausted("full"), .resourceExhausted),
    (.damaged("torn"), .internal),
  ])
  func `A store that fails refuses the change and nothing else`(error: StoreError, code: StatusCode) throws {
    let server = try TestServer()
    server.store.failNextCommit(with: error)
    let peer = try server.connect()
    peer.send(try peer.create("k", stream: 1))
    #expect(try #require(try peer.receiveError()).code == code)
    peer.send(try peer.create("k", stream: 3))
    #expect(throws: Never.self) { try #require(try peer.receive(.createKey)).1.get() }
  }

  @Test func `Every call that has come is answered before the server stops`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    let calls = Array(repeatElement(try peer.frame(.getStatus, stream: 1), count: 4000).joined())
    let count = peer.sendUntilBlocked(calls) / (calls.count / 4000)
    let stopped = DispatchSemaphore(value: 0)
    Thread {
      server.stop()
      stopped.signal()
    }.start()
    var answered = 0
    while try peer.receive(.getStatus) != nil { answered += 1 }
    #expect(answered == count)
    stopped.wait()
  }

  @Test func `A name of a great many marks costs no time to refuse`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    let marks = String(repeating: "\u{300}", count: 500_000) + String(repeating: "\u{316}", count: 500_000)
    // Normalizing it would take hours: the test ends with the connection's patience of 30 seconds.
    peer.send(try peer.create("a" + marks, stream: 1))
    #expect(try #require(try peer.receiveError()).code == .invalidArgument)
  }
}
