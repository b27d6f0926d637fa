import Foundation
import KeywardCore
import KeywardWire
import Synchronization
import TestSupport
import Testing

@testable import KeywardServer

/// `WatchKeys`: who is told what, and how a watch ends.
@Suite struct WatchKeysTests {
  /// Makes keys, one commit each, by another connection.
  private func create(_ names: Range<Int>, _ server: TestServer) throws {
    let peer = try server.connect()
    for number in names { try peer.expectCreated("k\(number)", stream: UInt32(number) * 2 + 1) }
  }

  private func isOver(_ peer: HTTP2Peer, _ stream: UInt32) -> Bool { peer[stream].hasEnded }

  @Test func `Whoever watches from now on is told where that is, and then each change as it is made`() throws {
    let server = try TestServer()
    try create(0..<2, server)
    let peer = try HTTP2Peer(server.connect())
    try peer.begin(.watchKeys(after: 0), stream: 1)
    try peer.take { peer[1].httpStatus == "200" }
    try peer.take { !peer[1].data.isEmpty }
    #expect(try peer.events(on: 1) == [.caughtUp(2)])
    try create(2..<4, server)
    try peer.take { peer.revisions(on: 1).count == 3 }
    #expect(peer.revisions(on: 1) == [2, 3, 4])
    guard case .change(let change) = try #require(try peer.events(on: 1).last) else { throw Failure() }
    #expect(change.type == .created && change.key.key.name.text == "k3" && change.key.state == .active)
    #expect(!isOver(peer, 1))
  }

  @Test(arguments: [1, 3, 5000], [1, 4, 40] as [Revision])
  func `Whoever goes on from a revision is told all after it, each once, while more is committed`(
    feed: Int, start: Revision
  ) throws {
    let server = try TestServer(feedCapacity: feed)
    try create(0..<50, server)
    let peer = try HTTP2Peer(server.connect())
    try peer.begin(.watchKeys(after: start), stream: 1)
    try create(50..<120, server)
    // Of each change a message, and one that it has caught up, which may come after the last change.
    try peer.take { peer.revisions(on: 1).count == 120 - Int(start) + 1 }
    let events = try peer.events(on: 1)
    #expect(
      events.compactMap { if case .change(let change) = $0 { change.revision } else { nil } }
        == Array(start + 1...120))
    let marks = events.enumerated().filter { if case .caughtUp = $0.element { true } else { false } }
    #expect(marks.count == 1)
    let mark = try #require(marks.first)
    #expect(mark.element.revision >= 50)
    #expect(mark.element.revision == start + Revision(mark.offset), "it tells how far all has been told")
  }

  @Test func `Whoever goes on from the newest revision has caught up at once`() throws {
    let server = try TestServer()
    try create(0..<3, server)
    let peer = try HTTP2Peer(server.connect())
    try peer.begin(.watchKeys(after: 3), stream: 1)
    try peer.take { !peer[1].data.isEmpty }
    #expect(try peer.events(on: 1) == [.caughtUp(3)])
  }

  @Test(
    arguments: [(9, "newest"), (-1, "negative"), (Revision.min, "negative"), (.max, "newest")] as [(Revision, String)])
  func `A revision that nobody can go on from is refused, and nothing else comes`(
    start: Revision, word: String
  ) throws {
    let server = try TestServer()
    try create(0..<2, server)
    let peer = try HTTP2Peer(server.connect())
    let answer = try peer.answer(to: .watchKeys(after: start), stream: 1)
    #expect(answer.code == (start < 0 ? .invalidArgument : .outOfRange))
    #expect(answer["grpc-message"]?.contains(word) == true)
    #expect(answer.blockCount == 1 && answer.data.isEmpty)
    if start > 0 { #expect(try peer.error(of: answer).revisions == [.oldest: 0, .newest: 2]) }
  }

  @Test func `A watcher whose window is shut is held at its place, and then told all it missed`() throws {
    let server = try TestServer(feedCapacity: 4) { $0.streamedBytes = 1024 }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    peer.opensWindows = false
    try peer.begin(.watchKeys(after: 0), stream: 1)
    try peer.take { peer[1].httpStatus == "200" }
    try create(0..<60, server)
    #expect(peer[1].data.isEmpty)
    peer.send(HTTP2Peer.windowUpdate(1, 1 << 20))
    peer.opensWindows = true
    try peer.take { peer.revisions(on: 1).last == 60 }
    let revisions = peer.revisions(on: 1)
    #expect(revisions.dropFirst() == Array(revisions[0] + 1...60)[...])
  }

  @Test func `One that is too far behind is told from where to go on, and loses nothing by it`() throws {
    let server = try TestServer(feedCapacity: 4) {
      $0.streamedBytes = 1024
      $0.watchBacklog = 20
    }
    let peer = try HTTP2Peer(server.connect(), settings: [(4, 0)])
    peer.opensWindows = false
    try peer.begin(.watchKeys(after: 0), stream: 1)
    try peer.take { peer[1].httpStatus == "200" }
    // Another, who takes each change, tells that they have been told before more come.
    let pace = try HTTP2Peer(server.connect())
    try pace.begin(.watchKeys(after: 0), stream: 1)
    try pace.take { !pace[1].data.isEmpty }
    for number in 0..<60 {
      try create(number..<number + 1, server)
      try pace.take { pace.revisions(on: 1).last == Revision(number + 1) }
    }
    peer.send(HTTP2Peer.windowUpdate(1, 1 << 20))
    peer.opensWindows = true
    let answer = try peer.answer(on: 1)
    #expect(answer.code == .resourceExhausted)
    let error = try peer.error(of: answer)
    #expect(error.reason == .tooFarBehind)
    let resume = try #require(error.revisions[.resume])
    #expect(peer.revisions(on: 1).last == resume && resume < 60)
    #expect(error.message.contains("from revision \(resume)"))
    // Going on is not held against it: it is as far behind as it is.
    try peer.begin(.watchKeys(after: resume), stream: 3)
    peer.send(HTTP2Peer.windowUpdate(3, 1 << 20))
    try peer.take { peer.revisions(on: 3).contains(60) }
    #expect(peer.revisions(on: 3).first == resume + 1)
  }

  @Test func `Many watchers are all told, each all of it`() throws {
    let server = try TestServer(feedCapacity: 8)
    let peers = try (0..<4).map { _ in try HTTP2Peer(server.connect()) }
    for peer in peers {
      for stream in [1, 3, 5] as [UInt32] { try peer.begin(.watchKeys(after: 0), stream: stream) }
      for stream in [1, 3, 5] as [UInt32] { try peer.take { !peer[stream].data.isEmpty } }
    }
    try create(0..<100, server)
    for peer in peers {
      for stream in [1, 3, 5] as [UInt32] {
        try peer.take { peer.revisions(on: stream).last == 100 }
        #expect(peer.revisions(on: stream) == Array(0...100))
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to be other users; CI is"))
  func `A right that is taken away ends the watch before another change is told`() throws {
    let server = try TestServer(ownUID: 4711)
    server.grant(.all)
    let peer = try HTTP2Peer(server.connect(uid: 5001))
    try peer.begin(.watchKeys(after: 0), stream: 1)
    try peer.take { !peer[1].data.isEmpty }
    server.grant(.all.subtracting(.canView))
    try peer.settle()
    #expect(!isOver(peer, 1))
    server.grant(.all.subtracting(.canRead))
    let answer = try peer.answer(on: 1)
    #expect(answer.code == .permissionDenied && peer.revisions(on: 1) == [0])
    #expect(try peer.answer(to: .watchKeys(after: 0), stream: 3).code == .permissionDenied)
    server.grant(.all)
    try peer.begin(.watchKeys(after: 0), stream: 5)
    try peer.take { !peer[5].data.isEmpty }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to be other users; CI is"))
  func `One user has so many watches at once, and all have`() throws {
    let server = try TestServer(ownUID: 4711) {
      $0.watchersPerUser = 2
      $0.watchers = 3
    }
    server.grant(.canRead)
    let first = try HTTP2Peer(server.connect(uid: 5001))
    let second = try HTTP2Peer(server.connect(uid: 5002))
    for stream in [1, 3] as [UInt32] { try first.begin(.watchKeys(after: 0), stream: stream) }
    try first.take { !first[3].data.isEmpty }
    let refused = try first.answer(to: .watchKeys(after: 0), stream: 5)
    #expect(refused.code == .resourceExhausted)
    #expect(try first.error(of: refused).reason == .tooManyWaiting)
    try second.begin(.watchKeys(after: 0), stream: 1)
    try second.take { !second[1].data.isEmpty }
    #expect(try second.answer(to: .watchKeys(after: 0), stream: 3).code == .resourceExhausted)
    // One that is given up makes room, once the server has seen that.
    first.send(HTTP2Peer.reset(1))
    var stream: UInt32 = 3
    repeat {
      stream += 2
      try second.begin(.watchKeys(after: 0), stream: stream)
      try second.take { !second[stream].data.isEmpty || isOver(second, stream) }
    } while isOver(second, stream) && stream < 10_000
    #expect(!isOver(second, stream))
  }

  @Test func `At the end a watcher is told from where to go on`() throws {
    let server = try TestServer()
    let peer = try HTTP2Peer(server.connect())
    try peer.begin(.watchKeys(after: 0), stream: 1)
    try peer.take { !peer[1].data.isEmpty }
    try create(0..<5, server)
    DispatchQueue.global().async { server.stop() }
    let answer = try peer.answer(on: 1)
    #expect(answer.code == .unavailable)
    let error = try peer.error(of: answer)
    #expect(error.reason == .connectionEnding && error.retrySeconds == 1)
    #expect(error.revisions == [.resume: peer.revisions(on: 1).last ?? -1])
    try peer.takeRest()
  }

  @Test func `A watch with a deadline ends by it, and one that is cancelled is forgotten`() throws {
    let server = try TestServer { $0.watchers = 1 }
    let peer = try HTTP2Peer(server.connect())
    try peer.begin(.watchKeys(after: 0), stream: 1, [("grpc-timeout", "20m")])
    #expect(try peer.answer(on: 1).code == .deadlineExceeded)
    try peer.begin(.watchKeys(after: 0), stream: 3)
    try peer.take { !peer[3].data.isEmpty }
    peer.send(HTTP2Peer.reset(3))
    try create(0..<3, server)
    try peer.begin(.watchKeys(after: 0), stream: 5)
    try peer.take { !peer[5].data.isEmpty }
    #expect(try peer.events(on: 5) == [.caughtUp(3)])
  }

  @Test func `A store that cannot be read ends a watch that needs it, which can go on later`() throws {
    let server = try TestServer(feedCapacity: 1)
    try create(0..<10, server)
    server.store.failNextAudit(with: .unavailable("gone"))
    let peer = try HTTP2Peer(server.connect())
    let answer = try peer.answer(to: .watchKeys(after: 2), stream: 1)
    #expect(answer.code == .unavailable)
    #expect(try peer.error(of: answer).revisions == [.resume: 2])
    try peer.begin(.watchKeys(after: 2), stream: 3)
    try peer.take { peer.revisions(on: 3).last == 10 }
  }

  private struct Failure: Error {}
}

extension HTTP2Peer {
  /// What has come whole of a watch.
  fileprivate func events(on stream: UInt32) throws -> [WatchEvent] {
    var rest = self[stream].data[...]
    var events: [WatchEvent] = []
    let arena = Arena()
    while let prefix = rest.withUnsafeBytes({ GRPCPrefix($0) }) {
      let count = GRPCPrefix.byteCount + prefix.messageByteCount
      guard rest.count >= count else { break }
      let reply = try rest.prefix(count).withUnsafeBytes { try GRPCEnvelope.reply(.watchKeys, $0, in: arena) }
      if case .watchKeys(let event) = reply { events.append(event) }
      arena.reset()
      rest = rest.dropFirst(count)
    }
    return events
  }

  /// The revisions of what has come; where a watch has caught up is one of them.
  fileprivate func revisions(on stream: UInt32) -> [Revision] {
    ((try? events(on: stream)) ?? []).map(\.revision)
  }
}
