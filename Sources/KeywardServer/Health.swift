import KeywardCore
import KeywardWire
import Synchronization

/// Whether the server, and each of its services, can do its work: what `grpc.health.v1` tells.
///
/// Concurrency: for every thread.
final class Health: Sendable {
  private struct State {
    var isServing = false
    var takesChanges = true
    var watchers: [ObjectIdentifier: Watcher] = [:]
  }

  private struct Watcher {
    let service: String
    let replies: ReplyStream
    var told: ServingStatus?
    /// It waits for room, and is told then what holds by then.
    var waits = false
  }

  private let state = Mutex(State())
  /// The service that needs a disk that takes changes.
  private static let changingService = "\(Method.createKey.service)"
  private static let services = Set(Method.allCases.map { "\($0.service)" })

  /// Says whether calls are taken: not before the start, and not once the server is to stop.
  func setServing(_ isServing: Bool) {
    change { $0.isServing = isServing }
  }

  /// Says whether the store takes changes.
  func setTakesChanges(_ takesChanges: Bool) {
    change { $0.takesChanges = takesChanges }
  }

  /// The status of a service; empty is the whole server.
  /// - Throws: NOT_FOUND for one that is not known.
  func check(_ service: String) throws(CallError) -> StreamMessage {
    let status = state.withLock { Self.status(of: service, $0) }
    guard status != .serviceUnknown else {
      throw CallError(
        .notFound,
        "there is no service \"\(String(service.unicodeScalars.prefix(128)))\": leave it empty for the whole server")
    }
    return StreamMessage(status)
  }

  /// Tells the status of a service now and whenever it changes, until the call is over.
  func watch(_ service: String, _ replies: ReplyStream) {
    let id = ObjectIdentifier(replies)
    state.withLock { $0.watchers[id] = Watcher(service: service, replies: replies) }
    replies.whenOver { self.forget(id) }
    tell(id)
  }

  private func forget(_ id: ObjectIdentifier) {
    state.withLock { $0.watchers[id] = nil }
  }

  private func change(_ body: (inout State) -> Void) {
    let ids = state.withLock { state in
      body(&state)
      return Array(state.watchers.keys)
    }
    for id in ids { tell(id) }
  }

  /// Tells a watcher what it does not know yet; one that does not read is told the latest, once it does.
  private func tell(_ id: ObjectIdentifier) {
    let waiting = state.withLock { state -> ReplyStream? in
      guard let watcher = state.watchers[id], !watcher.waits else { return nil }
      let status = Self.status(of: watcher.service, state)
      guard status != watcher.told else { return nil }
      switch watcher.replies.send(StreamMessage(status)) {
      case .taken: state.watchers[id]?.told = status
      case .over: break
      case .full:
        state.watchers[id]?.waits = true
        return watcher.replies
      }
      return nil
    }
    waiting?.whenRoom {
      self.state.withLock { $0.watchers[id]?.waits = false }
      self.tell(id)
    }
  }

  private static func status(of service: String, _ state: State) -> ServingStatus {
    guard service.isEmpty || services.contains(service) else { return .serviceUnknown }
    guard state.isServing else { return .notServing }
    return service == changingService && !state.takesChanges ? .notServing : .serving
  }
}
