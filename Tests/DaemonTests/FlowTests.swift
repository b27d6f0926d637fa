import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Many peers, silent peers, and peers that do not read.
@Suite struct FlowTests {
  @Test func `Two hundred silent connections leave an active one served`() throws {
    let daemon = try Daemon()
    let silent = try (0..<200).map { _ in try RawConnection(daemon.scratch.socket) }
    // Half of them stop in the middle of a frame.
    for peer in silent.prefix(100) { peer.send(RawConnection.header(length: 1000, stream: 1, type: 1)) }
    let client = try daemon.client()
    let secret = try client.createKey(CreateKey(name: try KeyName("k"), permission: .chat)).secret
    for _ in 0..<2000 { #expect(try client.validate(secret, for: .chat).verdict == .valid) }
    #expect(try client.status().connectionCount == 201)
  }

  @Test func `A peer that does not read is not read from, and loses nothing`() throws {
    let daemon = try Daemon()
    let peer = try RawConnection(daemon.scratch.socket)
    let call = try peer.frame(.getStatus, stream: 1)
    let calls = Array(repeatElement(call, count: 200_000).joined())
    let sent = peer.sendUntilBlocked(calls)
    #expect(sent < calls.count, "the daemon took 200,000 calls from a peer that reads no reply")
    // Others are served meanwhile.
    #expect(throws: Never.self) { try daemon.client().status() }
    for _ in 0..<sent / call.count { #expect(try #require(try peer.receive(.getStatus)).1.isSuccess) }
  }

  @Test func `A reply that is not taken by its deadline ends the connection`() throws {
    let daemon = try Daemon()
    let peer = try RawConnection(daemon.scratch.socket)
    let call = try peer.frame(.getStatus, stream: 1, timeout: 300_000_000)
    let sent = peer.sendUntilBlocked(Array(repeatElement(call, count: 200_000).joined()))
    // Nothing is read until the daemon has closed its side: then writing fails.
    var isClosed = false
    for _ in 0..<300 where !isClosed {
      var polled = pollfd(fd: peer.descriptor, events: 0, revents: 0)
      isClosed = poll(&polled, 1, 100) > 0 && polled.revents & Int16(POLLHUP) != 0
    }
    #expect(isClosed, "still open after \(sent) bytes of calls and 30 seconds")
  }

  @Test func `Replies of calls sent together come together and in full`() throws {
    let daemon = try Daemon()
    let peer = try RawConnection(daemon.scratch.socket)
    var frames: [UInt8] = []
    for stream in 0..<3000 { frames += try peer.frame(.getStatus, stream: UInt32(stream * 2 + 1)) }
    peer.send(frames)
    var streams: Set<UInt32> = []
    for _ in 0..<3000 { streams.insert(try #require(try peer.receive(.getStatus)).stream) }
    #expect(streams.count == 3000)
  }

  @Test func `A daemon short of descriptors refuses connections and serves the rest`() throws {
    let daemon = try Daemon(wrapper: ["/usr/bin/prlimit", "--nofile=64:64"])
    let crowd = try (0..<100).map { _ in try RawConnection(daemon.scratch.socket) }
    let served = try crowd.filter { peer in
      peer.send(try peer.frame(.getStatus, stream: 1))
      return try peer.receive() != nil
    }
    #expect(served.count >= 16, "only \(served.count) were served")
    #expect(daemon.isRunning)
  }
}
