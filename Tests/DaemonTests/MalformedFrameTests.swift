import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Every row of PROTOCOL.md's table of wrong frames, against the real daemon. After each, the connection goes on or
/// ends as the table says, and the daemon lives.
@Suite final class MalformedFrameTests {
  private let daemon: Daemon
  private let peer: RawConnection

  init() throws {
    daemon = try Daemon()
    peer = try RawConnection(daemon.scratch.socket)
  }

  private func expectAlive(_ peer: RawConnection? = nil, stream: UInt32 = 99) throws {
    let peer = peer ?? self.peer
    peer.send(try peer.frame(.getStatus, stream: stream))
    let (answered, result) = try #require(try peer.receive(.getStatus))
    #expect(answered == stream)
    #expect(result.isSuccess)
  }

  private func expectError(_ code: StatusCode, on stream: UInt32) throws {
    let error = try #require(try peer.receiveError())
    #expect(error.stream == stream)
    #expect(error.code == code)
  }

  @Test(arguments: [0, 2, 4_294_967_294] as [UInt32])
  func `An even stream id is INVALID_ARGUMENT on that id`(stream: UInt32) throws {
    peer.send(try peer.frame(.whoAmI, stream: stream))
    try expectError(.invalidArgument, on: stream)
    try expectAlive()
  }

  @Test func `An id in flight is INVALID_ARGUMENT, and the call under way goes on`() throws {
    // Creates wait for the disk, so the second frame of this one write meets the first in flight.
    let first = CreateKey(name: KeyName(checked: "first"), permission: .chat)
    let second = CreateKey(name: KeyName(checked: "second"), permission: .chat)
    peer.send(try peer.frame(.createKey(first), stream: 5) + peer.frame(.createKey(second), stream: 5))
    let replies = try (0..<2).map { _ in try #require(try peer.receive(.createKey)).1 }
    #expect(replies.count { $0.isSuccess } == 1)
    guard case .failure(let error) = try #require(replies.first { !$0.isSuccess }) else { return }
    #expect(error.code == .invalidArgument)
    try expectAlive()
    #expect(try daemon.client().status().keyCount == 1)
  }

  @Test func `A lower id than one before is fine`() throws {
    try expectAlive(stream: 1001)
    try expectAlive(stream: 3)
    try expectAlive(stream: 4_294_967_295)
    try expectAlive(stream: 3)
  }

  @Test(arguments: [0, 2, 4, 255] as [UInt8])
  func `An unknown type and a Response are ignored`(type: UInt8) throws {
    peer.send(RawConnection.header(length: 5, stream: 1, type: type) + [1, 2, 3, 4, 5])
    peer.send(RawConnection.header(length: 0, stream: 3, type: type))
    try expectAlive()
  }

  @Test(arguments: [0, 1, 2] as [UInt32])
  func `Data on any id is INVALID_ARGUMENT`(stream: UInt32) throws {
    peer.send(RawConnection.header(length: 3, stream: stream, type: 3) + [1, 2, 3])
    try expectError(.invalidArgument, on: stream)
    try expectAlive()
  }

  @Test func `Exactly 4 MiB of data is taken`() throws {
    // An unknown field of the envelope, number 15, fills the frame.
    var frame = try peer.frame(.whoAmI, stream: 7)
    let rest = FrameHeader.maxDataByteCount - (frame.count - FrameHeader.byteCount)
    let fieldByteCount = rest - 5
    frame.append(15 << 3 | 2)
    for shift in [0, 7, 14] { frame.append(UInt8(fieldByteCount >> shift & 0x7F) | 0x80) }
    frame.append(UInt8(fieldByteCount >> 21))
    frame += [UInt8](repeating: 0, count: fieldByteCount)
    let header = RawConnection.header(length: FrameHeader.maxDataByteCount, stream: 7, type: 1)
    frame.replaceSubrange(0..<FrameHeader.byteCount, with: header)
    #expect(frame.count == FrameHeader.byteCount + FrameHeader.maxDataByteCount)
    #expect(peer.send(frame))
    #expect(try #require(try peer.receive(.whoAmI)).1.isSuccess)
    try expectAlive()
  }

  @Test func `A byte more is RESOURCE_EXHAUSTED, and the connection goes on`() throws {
    let length = FrameHeader.maxDataByteCount + 1
    peer.send(RawConnection.header(length: length, stream: 7, type: 1))
    try expectError(.resourceExhausted, on: 7)
    peer.send([UInt8](repeating: 0xFF, count: length))
    try expectAlive()
  }

  @Test func `A frame too long to read past is RESOURCE_EXHAUSTED, and the end`() throws {
    // The first byte of a connection must be 0, so a frame like this can only come later.
    try expectAlive()
    peer.send(RawConnection.header(length: Int(UInt32.max), stream: 7, type: 1))
    try expectError(.resourceExhausted, on: 7)
    #expect(try peer.receive() == nil)
    try expectAlive(RawConnection(daemon.scratch.socket))
  }

  @Test func `A request that cannot be decoded is INVALID_ARGUMENT`() throws {
    peer.send(RawConnection.header(length: 3, stream: 7, type: 1) + [0xFF, 0xFF, 0xFF])
    try expectError(.invalidArgument, on: 7)
    try expectAlive()
  }

  @Test func `An empty request names no method: UNIMPLEMENTED`() throws {
    peer.send(RawConnection.header(length: 0, stream: 7, type: 1))
    try expectError(.unimplemented, on: 7)
    try expectAlive()
  }

  @Test func `A negative timeout is DEADLINE_EXCEEDED`() throws {
    peer.send(try peer.frame(.whoAmI, stream: 7, timeout: -1))
    try expectError(.deadlineExceeded, on: 7)
    try expectAlive()
  }

  @Test func `A timeout that has passed is DEADLINE_EXCEEDED`() throws {
    peer.send(try peer.frame(.getStatus, stream: 7, timeout: 1))
    try expectError(.deadlineExceeded, on: 7)
    let key = CreateKey(name: KeyName(checked: "too late"), permission: .chat)
    peer.send(try peer.frame(.createKey(key), stream: 9, timeout: 1))
    try expectError(.deadlineExceeded, on: 9)
    try expectAlive()
  }

  @Test func `Odd flags on a unary request are ignored`() throws {
    var frame = try peer.frame(.getStatus, stream: 7)
    frame[9] = 0xFF
    peer.send(frame)
    #expect(try #require(try peer.receive(.getStatus)).1.isSuccess)
  }

  @Test func `A peer that shuts its side mid-call is answered and then closed`() throws {
    let key = CreateKey(name: KeyName(checked: "last words"), permission: .chat)
    peer.send(try peer.frame(.createKey(key), stream: 7))
    peer.shutWriting()
    #expect(try #require(try peer.receive(.createKey)).1.isSuccess)
    #expect(try peer.receive() == nil)
  }

  @Test func `A peer that shuts its side in the middle of a frame is closed`() throws {
    peer.send(Array(try peer.frame(.whoAmI, stream: 7).dropLast()))
    peer.shutWriting()
    #expect(try peer.receive() == nil)
  }

  @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n", "\u{1}", "{}"])
  func `A connection that begins with neither ttrpc nor HTTP/2 is closed`(text: String) throws {
    peer.send(Array(text.utf8))
    #expect(try peer.receive() == nil)
    try expectAlive(RawConnection(daemon.scratch.socket))
  }

  @Test func `A frame may come byte by byte`() throws {
    for byte in try peer.frame(.getStatus, stream: 7) { peer.send([byte]) }
    #expect(try #require(try peer.receive(.getStatus)).1.isSuccess)
  }

  @Test func `No wrong bytes stop the daemon`() throws {
    var generator = SeededGenerator(state: 42)
    let valid = try peer.frame(.createKey(CreateKey(name: KeyName(checked: "f"), permission: .chat)), stream: 1)
    for _ in 0..<2000 {
      let hostile = try RawConnection(daemon.scratch.socket)
      var bytes = valid + valid
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      hostile.send(Array(bytes.prefix(.random(in: 0...bytes.count, using: &generator))))
    }
    try expectAlive()
    #expect(daemon.isRunning)
  }
}
