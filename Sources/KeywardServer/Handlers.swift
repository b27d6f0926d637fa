import Dispatch
import KeywardCore
import KeywardWire
import Logging
import Synchronization
import UnixSocket

/// Judges a call's right, hands it to the domain and says what came of it. It knows no protocol.
///
/// Concurrency: called from every reactor; what it holds is immutable or guards itself.
final class Handlers: Sendable {
  /// What the handlers stand on.
  struct Parts: Sendable {
    let registry: Registry
    let writer: Writer
    let names: UserNameCache
    let clock: Clock
    let census: Census
    let statistics: Statistics
    let log: Logger
    let version: String
    let startTime: Instant
    let reload: Server.Reload?
  }

  private let parts: Parts
  private let refusals: Throttle
  private let failures: Throttle
  /// WhoAmI calls that wait, of each user.
  private let lookUps = Mutex<[UInt32: Int]>([:])
  private static let lookUpsPerUser = 64
  /// For what waits on the host's name services.
  private let lookUpQueue = DispatchQueue(label: "keyward.names")

  init(_ parts: Parts) {
    self.parts = parts
    refusals = Throttle(clock: parts.clock)
    failures = Throttle(clock: parts.clock)
  }

  /// Judges whether a peer may call a method at all, before anything is made of what it sent.
  /// - Throws: PERMISSION_DENIED, counted and logged.
  func admit(_ caller: Caller, to method: Method) throws(CallError) {
    switch method {
    case .validateKey:
      // Which half of the right it takes is seen from the request.
      if caller.rights.isDisjoint(with: .canValidate) { try require(.canValidate, of: caller, for: method) }
    case .createKey: try require(.canCreate, of: caller, for: method)
    case .getKey: try require(.canRead, of: caller, for: method)
    case .listKeys: try require(.canView, of: caller, for: method)
    case .getStatus, .reload: try require(.canOperate, of: caller, for: method)
    case .whoAmI: break
    }
  }

  /// Carries out a call that was admitted.
  /// - Parameters:
  ///   - now: the instant of the call.
  ///   - address: where the reply of a call goes that has to wait.
  /// - Returns: nil for a call that has to wait.
  func handle(
    _ request: Request, of caller: Caller, at now: Instant, by deadline: Deadline, replyTo address: ReplyAddress
  ) -> Result<Reply, CallError>? {
    do throws(CallError) {
      switch request {
      case .validateKey(let secret, let permission):
        try require(.validating(permission), of: caller, for: .validateKey)
        return .success(.validateKey(parts.registry.validate(secret, for: permission, at: now)))
      case .createKey(let key):
        try create(key, of: caller, by: deadline, address)
        return nil
      case .getKey(let selector):
        return .success(.getKey(try checked { () throws(DomainError) in try find(selector, at: now) }))
      case .listKeys(let query):
        return .success(
          .listKeys(try checked { () throws(DomainError) in try parts.registry.list(query, at: now) }))
      case .getStatus:
        return .success(.getStatus(status(at: now)))
      case .whoAmI:
        if let user = parts.names.cachedName(of: caller.peer.uid) { return .success(identity(of: caller, user)) }
        try lookUp(caller, address)
        return nil
      case .reload:
        try reload(for: caller.peer, address)
        return nil
      }
    } catch {
      return .failure(error)
    }
  }

  private func require(_ right: Rights, of caller: Caller, for method: Method) throws(CallError) {
    guard !caller.rights.isSuperset(of: right) else { return }
    parts.statistics.countRefusedCall()
    let names = right.names.joined(separator: ", ")
    if let suppressed = refusals.admit() {
      parts.log.warning(
        "call refused",
        metadata: [
          "method": "\(method.name)", "right": "\(names)", "uid": "\(caller.peer.uid)", "pid": "\(caller.peer.pid)",
          "suppressed": "\(suppressed)",
        ])
    }
    throw CallError(
      .permissionDenied,
      "\(method.name) needs the right \(names), which the user with the id \(caller.peer.uid) has not been granted")
  }

  private func create(
    _ key: CreateKey, of caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    try parts.writer.submit(for: caller.peer, by: deadline) { actor in
      .create(key, by: actor)
    } completion: { [log = parts.log, failures] result in
      switch result {
      case .success(.created(let view, let secret)):
        log.info(
          "key created",
          metadata: ["key": "\(view.key.id)", "by": "\(view.key.creator)", "revision": "\(view.key.revision)"])
        address.deliver(.success(.createKey(view, secret)))
      case .failure(let error):
        if [.internal, .unavailable, .resourceExhausted].contains(error.code), let suppressed = failures.admit() {
          log.error("change failed", metadata: ["reason": "\(error.message)", "suppressed": "\(suppressed)"])
        }
        address.deliver(.failure(error))
      }
    }
  }

  private func reload(for peer: Peer, _ address: ReplyAddress) throws(CallError) {
    guard let reload = parts.reload else {
      throw CallError(.unimplemented, "this daemon has no configuration to read anew")
    }
    reload(peer) { outcome in
      switch outcome {
      case .inForce: address.deliver(.success(.reload))
      case .refused(let mistake):
        address.deliver(
          .failure(
            CallError(.failedPrecondition, "\(mistake); mend it and reload: until then the one before is in force")))
      }
    }
  }

  private func find(_ selector: KeySelector, at now: Instant) throws(DomainError) -> KeyView {
    switch selector {
    case .id(let id): try parts.registry.key(id: id, at: now)
    case .name(let name): try parts.registry.key(name: name, at: now)
    }
  }

  private func status(at now: Instant) -> ServiceStatus {
    ServiceStatus(
      version: parts.version, pid: ProcessGuard.processID, startTime: parts.startTime,
      currentTime: parts.registry.judged(now), revision: parts.registry.revision, keyCount: parts.registry.keyCount,
      connectionCount: parts.census.total, callCount: parts.statistics.callCount,
      refusedCallCount: parts.statistics.refusedCallCount)
  }

  private func identity(of caller: Caller, _ user: String) -> Reply {
    .whoAmI(Identity(peer: caller.peer, user: user, rights: caller.rights))
  }

  private func lookUp(_ caller: Caller, _ address: ReplyAddress) throws(CallError) {
    let uid = caller.peer.uid
    let isAdmitted = lookUps.withLock { lookUps in
      guard lookUps[uid, default: 0] < Self.lookUpsPerUser else { return false }
      lookUps[uid, default: 0] += 1
      return true
    }
    guard isAdmitted else {
      throw CallError(.resourceExhausted, "too many calls of this user wait for its name: try again in a moment")
    }
    lookUpQueue.async { [self] in
      let user = parts.names.name(of: uid)
      lookUps.withLock { lookUps in
        let left = lookUps[uid, default: 1] - 1
        lookUps[uid] = left == 0 ? nil : left
      }
      address.deliver(.success(identity(of: caller, user)))
    }
  }
}
