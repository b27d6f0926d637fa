import KeywardCore
import KeywardWire
import Logging
import Synchronization
import UnixSocket

/// Tells peers of changes as they are made: what `WatchKeys` is answered with.
///
/// All watchers share the registry's feed of the latest changes, and each has a place in it. One whose place has left the
/// feed reads the audit, a piece at a time on the writer's thread among the changes. One that is too far behind is told
/// from where to go on, and its stream is ended: nothing is remembered for it but its place.
///
/// Concurrency: begun from every reactor. What is told is told on a thread of its own that validations go before, and
/// what a watch has come to is touched there alone, which is what makes it `@unchecked Sendable`.
final class Watchers: @unchecked Sendable {
  /// One call.
  private final class Watcher {
    let id: UInt64
    let caller: Caller
    let replies: ReplyStream
    /// Up to here it has been told.
    var position: Revision
    /// Up to here changes had been made when it began.
    let goal: Revision
    var hasCaughtUp = false
    /// A piece of the audit is being read for it.
    var isReading = false
    /// It waits until its peer has taken what was sent.
    var isFull = false

    init(_ id: UInt64, _ caller: Caller, _ replies: ReplyStream, after position: Revision, goal: Revision) {
      self.id = id
      self.caller = caller
      self.replies = replies
      self.position = position
      self.goal = goal
    }
  }

  private let registry: Registry
  private let writer: Writer
  private let thread: BackgroundThread
  private let census: WatchCensus
  private let backlog: Revision
  private let log: Logger
  private let ends: Throttle
  private let arena = Arena()
  private var watchers: [UInt64: Watcher] = [:]
  /// Changes that one of the watchers was told in this round, as the others will be.
  private var encoded: [Revision: StreamMessage] = [:]
  /// A round is to come that has been asked for by the one before.
  private var goesOn = false
  private var isEnding = false

  /// Changes of one piece, of the feed or of the audit: what holds up others is a few milliseconds.
  private static let pieceSize = 256

  init(
    registry: Registry, writer: Writer, limits: Limits, ownUID: UInt32, clock: Clock, log: Logger
  ) throws(SystemError) {
    self.registry = registry
    self.writer = writer
    self.log = log
    census = WatchCensus(limits: limits, ownUID: ownUID)
    backlog = Revision(limits.watchBacklog)
    ends = Throttle(clock: clock)
    thread = try BackgroundThread(name: "keyward.watch")
    registry.feed.observe { [weak self] in self?.perform { $0.tellAll() } }
  }

  /// Has a peer told of changes from here on, or from an earlier revision on.
  /// - Parameters:
  ///   - start: the last revision that it has seen; 0 for what comes from now on.
  ///   - caller: the peer for this one call.
  ///   - open: begins the answer; called if the watch is let in.
  /// - Throws: OUT_OF_RANGE for a revision that cannot be gone on from, RESOURCE_EXHAUSTED where there are enough watchers.
  func begin(after start: Revision, for caller: Caller, _ open: () -> ReplyStream) throws(CallError) {
    let position = try checked { () throws(DomainError) in try registry.watchStart(start) }
    let id = try census.enter(caller.peer)
    let replies = open()
    let goal = registry.feed.newest
    perform { watchers in
      guard !watchers.isEnding else { return replies.finish(.ending(resumingAfter: position)) }
      watchers.watchers[id] = Watcher(id, caller, replies, after: position, goal: goal)
      watchers.tellAll()
    }
    replies.whenOver { [weak self, census] in
      census.leave(caller.peer)
      self?.perform { $0.watchers[id] = nil }
    }
  }

  /// Ends the watches of peers that may no longer read keys, for rights have changed.
  func reconsider() {
    perform { watchers in watchers.watchers.values.forEach(watchers.advance) }
  }

  /// Ends every watch, for the server stops. Blocks; not for a thread that a watch needs.
  func end() {
    thread.hold {
      isEnding = true
      for watcher in watchers.values { watcher.replies.finish(.ending(resumingAfter: watcher.position)) }
      watchers = [:]
    }
  }

  // MARK: - On the thread

  private func perform(_ body: @escaping @Sendable (Watchers) -> Void) {
    thread.perform { [weak self] in if let self { body(self) } }
  }

  /// Tells everybody what there is, and goes on while there is more; what else waits for the thread comes in between.
  private func tellAll() {
    guard !goesOn else { return }
    let newest = registry.feed.newest
    watchers.values.forEach(advance)
    encoded = [:]
    // Where nobody watches, no change need tell anybody.
    guard !watchers.isEmpty, !registry.feed.awaitNews(after: newest) else { return }
    goesOn = true
    perform { watchers in
      watchers.goesOn = false
      watchers.tellAll()
    }
  }

  /// Tells a watcher all that it can take of what it has not been told.
  private func advance(_ watcher: Watcher) {
    guard watcher.caller.rights.contains(.canRead) else {
      return end(watcher, .mayNoLongerWatch(uid: watcher.caller.peer.uid))
    }
    // What comes meanwhile is told in the next round, when the others have had their turn.
    let newest = registry.feed.newest
    let behind = newest - max(watcher.position, watcher.goal)
    // From 0, where the store was empty, nobody can go on: that asks for what comes from then on.
    guard behind <= backlog || watcher.position == 0 else {
      return end(watcher, .tooFarBehind(behind, resumingAfter: watcher.position))
    }
    while !watcher.isReading, !watcher.isFull {
      guard tellIfCaughtUp(watcher), watcher.position < newest else { return }
      switch registry.feed.events(after: watcher.position, limit: Self.pieceSize) {
      case .events(let events):
        for event in events {
          guard let message = message(for: event, of: watcher), tell(watcher, message) else { return }
          watcher.position = event.revision
        }
      case .gone: read(for: watcher)
      }
    }
  }

  /// - Returns: whether there may be more to tell.
  private func tellIfCaughtUp(_ watcher: Watcher) -> Bool {
    guard !watcher.hasCaughtUp, watcher.position >= watcher.goal else { return true }
    defer { arena.reset() }
    guard let message = try? StreamMessage(.caughtUp(watcher.position), in: arena) else { return false }
    watcher.hasCaughtUp = tell(watcher, message)
    return watcher.hasCaughtUp
  }

  /// - Returns: whether it was taken; if not, the watcher waits for room, or its call is over.
  private func tell(_ watcher: Watcher, _ message: StreamMessage) -> Bool {
    switch watcher.replies.send(message) {
    case .taken: return true
    case .over: return false
    case .full:
      watcher.isFull = true
      watcher.replies.whenRoom { [weak self, id = watcher.id] in
        self?.perform { watchers in
          guard let watcher = watchers.watchers[id] else { return }
          watcher.isFull = false
          watchers.advance(watcher)
        }
      }
      return false
    }
  }

  /// The change as it goes out, made once for all who are told in one round.
  private func message(for event: KeyEvent, of watcher: Watcher) -> StreamMessage? {
    if let known = encoded[event.revision] { return known }
    guard let message = encode(event, for: watcher) else { return nil }
    if watchers.count > 1 { encoded[event.revision] = message }
    return message
  }

  private func encode(_ event: KeyEvent, for watcher: Watcher) -> StreamMessage? {
    defer { arena.reset() }
    do throws(CallError) {
      return try StreamMessage(.change(KeyEventView(event, registry.soonWindow)), in: arena)
    } catch {
      end(watcher, error)
      return nil
    }
  }

  /// Goes on with the audit, where what the watcher has not been told has left the feed.
  private func read(for watcher: Watcher) {
    watcher.isReading = true
    let (id, position) = (watcher.id, watcher.position)
    // What is dropped here belongs to a call that is over.
    writer.goOn(for: watcher.caller, by: .never) { [weak self, registry] isWanted in
      guard isWanted else { return }
      let result = Result { () throws(DomainError) in
        try registry.recordedEvents(after: position, limit: Self.pieceSize)
      }
      self?.perform { watchers in
        if let watcher = watchers.watchers[id] { watchers.take(result, for: watcher) }
      }
    }
  }

  private func take(_ result: Result<[KeyEvent], DomainError>, for watcher: Watcher) {
    watcher.isReading = false
    switch result {
    case .failure(let error): return end(watcher, CallError(error).resuming(after: watcher.position))
    case .success(let events):
      for event in events {
        guard let message = encode(event, for: watcher), tell(watcher, message) else { return }
        watcher.position = event.revision
      }
    }
    advance(watcher)
  }

  private func end(_ watcher: Watcher, _ error: CallError) {
    guard watchers.removeValue(forKey: watcher.id) != nil else { return }
    watcher.replies.finish(error)
    guard let suppressed = ends.admit() else { return }
    let peer = watcher.caller.peer
    log.notice(
      "watch ended",
      metadata: [
        "reason": "\(error.reason.rawValue)", "uid": "\(peer.uid)", "pid": "\(peer.pid)",
        "revision": "\(watcher.position)", "suppressed": "\(suppressed)",
      ])
  }
}

extension CallError {
  fileprivate static func mayNoLongerWatch(uid: UInt32) -> CallError {
    CallError(
      .permissionDenied, "WatchKeys needs the right canRead, which the user with the id \(uid) no longer has")
  }

  fileprivate static func tooFarBehind(_ count: Revision, resumingAfter revision: Revision) -> CallError {
    CallError(
      .resourceExhausted,
      "\(count) changes have not been taken, more than the daemon goes back for: take them faster, and go on from revision"
        + " \(revision)",
      reason: .tooFarBehind, revisions: [.resume: revision])
  }

  fileprivate static func ending(resumingAfter revision: Revision) -> CallError {
    CallError(
      .unavailable, "the daemon ends this connection: connect anew, and go on from revision \(revision)",
      reason: .connectionEnding, retrySeconds: 1, revisions: [.resume: revision])
  }
}
