import Foundation
import KeywardCore
import KeywardWire
import Logging
import TestSupport
import Testing
import UnixSocket

@testable import KeywardServer

/// A server in the test's own process, with limits of the test's choosing and a store that does as it is told.
final class TestServer: Sendable {
  let store = FakeStore()
  let gate: GatedStore
  let path: String
  private let server: Server
  private let folder: String

  /// - Parameters:
  ///   - feedCapacity: how many changes those who watch find in memory.
  ///   - ownUID: the user that holds every right besides root.
  init(
    feedCapacity: Int = ChangeFeed.defaultCapacity, ownUID: UInt32 = geteuid(),
    _ adjust: (inout Limits) -> Void = { _ in }
  ) throws {
    var template = Array((NSTemporaryDirectory() + "/kw-XXXXXX").utf8CString)
    folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    path = folder + "/s"
    gate = GatedStore(store)
    var options = Server.Options(
      reactorCount: 1, version: "test", log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      ownUID: ownUID)
    adjust(&options.limits)
    server = try Server(
      try Registry(store: gate, feedCapacity: feedCapacity), at: try ListeningSocket(at: path), options)
    server.start()
    // Other users may come in.
    chmod(folder, 0o711)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func connect() throws -> RawConnection { try RawConnection(path) }

  /// As another user, which takes root.
  func connect(uid: UInt32) throws -> RawConnection { try RawConnection(path, uid: uid, gids: [uid]) }

  /// Gives the users 5001 and 5002 these rights and no others.
  func grant(_ rights: Rights) {
    server.adopt([Grant(.user(5001), rights), Grant(.user(5002), rights)])
  }

  func stop() {
    server.stop()
  }
}

/// A store whose commits and reservations wait while the gate is shut.
final class GatedStore: Store {
  private let store: FakeStore
  private let gate = DispatchSemaphore(value: 1)
  private let arrivals = DispatchSemaphore(value: 0)

  init(_ store: FakeStore) {
    self.store = store
  }

  func shut() {
    gate.wait()
    while arrivals.wait(timeout: .now()) == .success {}
  }

  /// Returns when one has come to the gate since it was shut, or since the last that was waited for.
  func waitForArrival() throws {
    try #require(arrivals.wait(timeout: .now() + 30) == .success)
  }

  func open() {
    gate.signal()
  }

  func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    try store.load(receive)
  }

  func loadAttempts(_ receive: (Attempt) throws(StoreError) -> Void) throws(StoreError) {
    try store.loadAttempts(receive)
  }

  func loadReservations(_ receive: (UseReservation) throws(StoreError) -> Void) throws(StoreError) {
    try store.loadReservations(receive)
  }

  func reserve(_ reservations: [UseReservation]) throws(StoreError) {
    arrivals.signal()
    gate.wait()
    defer { gate.signal() }
    try store.reserve(reservations)
  }

  func auditEvents(
    _ query: AuditQuery, before revision: Revision?, limit: Int
  ) throws(StoreError) -> (events: [AuditEvent], total: Int) {
    try store.auditEvents(query, before: revision, limit: limit)
  }

  func auditEvents(after revision: Revision, limit: Int) throws(StoreError) -> [AuditEvent] {
    try store.auditEvents(after: revision, limit: limit)
  }

  func auditStart() throws(StoreError) -> Revision? { try store.auditStart() }

  func tidy() { store.tidy() }

  func recordUse(_ uses: [KeyUse]) throws(StoreError) {
    try store.recordUse(uses)
  }

  func commitTogether(
    _ changes: some Sequence<Change>, at instant: Instant
  ) throws(StoreError) -> Result<[Placement], ConflictAmongChanges> {
    arrivals.signal()
    gate.wait()
    defer { gate.signal() }
    return try store.commitTogether(changes, at: instant)
  }

  func forget(before instant: Instant, limit: Int) throws(StoreError) -> Int {
    try store.forget(before: instant, limit: limit)
  }

  func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    arrivals.signal()
    gate.wait()
    defer { gate.signal() }
    return try store.commit(changes, at: instant)
  }
}

extension Caller {
  /// A peer on a connection of its own.
  static func sample() -> Caller {
    Caller(Peer(uid: 1, gids: [1], pid: 1), authority: Authority(Policy(ownUID: 1, grants: [])))
  }
}

extension RawConnection {
  /// Returns when the server has so many connections.
  func expectConnections(_ count: Int) throws {
    for _ in 0..<10_000 {
      guard case .getStatus(let status) = try call(.getStatus).get() else { break }
      if status.connectionCount == count { return }
    }
    Issue.record("there are never \(count) connections")
  }

  func create(_ name: String, stream: UInt32, timeout: Int64 = 0) throws -> [UInt8] {
    try frame(
      .createKey(CreateKey(name: KeyName(checked: name), permission: .chat)), stream: stream, timeout: timeout)
  }

  func expectCreated(_ name: String, stream: UInt32) throws {
    send(try create(name, stream: stream))
    let (_, result) = try #require(try receive(.createKey))
    #expect(throws: Never.self) { try result.get() }
  }

  /// Sends a call that is answered at once, and takes the answer.
  func expectServed(stream: UInt32 = 901, _ location: SourceLocation = #_sourceLocation) throws {
    send(try frame(.getStatus, stream: stream))
    let (answered, result) = try #require(try receive(.getStatus), "closed", sourceLocation: location)
    #expect(answered == stream, sourceLocation: location)
    #expect(throws: Never.self, sourceLocation: location) { try result.get() }
  }

  /// Returns when the server has read what was sent before: it has one reactor, which takes what is ready in turn.
  func expectUnanswered(while other: RawConnection) throws {
    var left: Int32 = 1
    while left > 0 {
      try other.expectServed()
      try #require(ioctl(descriptor, UInt(TIOCOUTQ), &left) == 0)
    }
    try other.expectServed()
  }
}
