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
    let importer: Importer
    let watchers: Watchers
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
  private let bulk = BulkGate()
  private let refusals: Throttle
  private let failures: Throttle
  /// WhoAmI calls that wait, of each user.
  private let lookUps = Mutex<[UInt32: Int]>([:])
  private static let lookUpsPerUser = 64
  /// For what waits on the host's name services.
  private let lookUpQueue = DispatchQueue(label: "keyward.names")
  private let verifier: Verifier
  private let lists = ListQueue()

  init(_ parts: Parts) {
    self.parts = parts
    verifier = Verifier(registry: parts.registry, writer: parts.writer)
    refusals = Throttle(clock: parts.clock)
    failures = Throttle(clock: parts.clock)
  }

  /// Judges whether a peer may call a method at all, before anything is made of what it sent.
  /// - Throws: PERMISSION_DENIED, counted and logged.
  func admit(_ caller: Caller, to method: Method) throws(CallError) {
    if method.takesPartOfRight, !caller.rights.isDisjoint(with: method.right) { return }
    try require(method.right, of: caller, for: method)
  }

  /// Carries out a call that was admitted.
  /// - Parameters:
  ///   - now: the instant of the call.
  ///   - address: where the reply of a call goes that has to wait.
  /// - Returns: nil for a call that has to wait.
  func handle(
    _ request: Request, of caller: Caller, at now: Instant, by deadline: Deadline, replyTo address: ReplyAddress
  ) -> Result<Reply, CallError>? {
    let registry = parts.registry
    // Taken before the answer is: what the reply says may be newer than its revision, and is never older.
    func answered(_ reply: (Revision) throws(DomainError) -> Reply) throws(CallError) -> Result<Reply, CallError> {
      .success(try checked { () throws(DomainError) in try reply(registry.revision) })
    }
    do throws(CallError) {
      switch request {
      case .validateKey(let question):
        try require(.validating(question.permission), of: caller, for: .validateKey)
        if let validation = try judge(question, at: now) { return .success(.validateKey(validation)) }
        try awaitUses(of: [question], for: .validateKey, of: caller, by: deadline, address)
      case .validateKeys(let questions):
        for question in questions { try require(.validating(question.permission), of: caller, for: .validateKeys) }
        let revision = registry.revision
        if let validations = try checked({ () throws(DomainError) in try registry.validate(questions, at: now) }) {
          return .success(.validateKeys(validations, revision: revision))
        }
        try awaitUses(of: questions, for: .validateKeys, of: caller, by: deadline, address)
      case .getKey(let selector):
        return try answered { (revision) throws(DomainError) in
          .getKey(try find(selector, at: now), revision: revision)
        }
      case .listKeys(let query): try list(query, for: caller, at: now, by: deadline, address)
      case .getStatus: return .success(.getStatus(status(at: now)))
      case .change(let change): try carryOut(change, of: caller, by: deadline, address)
      case .groupChange(let group): try carryOut(group, of: caller, by: deadline, address)
      case .importKeys(let request): try takeOver(request, of: caller, by: deadline, address)
      case .listAuditEvents(let query): try tellAudit(query, to: caller, by: deadline, address)
      case .verifyAudit: try verifier.begin(for: caller, by: deadline, address)
      case .whoAmI:
        if let user = parts.names.cachedName(of: caller.peer.uid) { return .success(identity(of: caller, user)) }
        try lookUp(caller, address)
      case .reload:
        try reload(for: caller.peer, address)
      case .watchKeys:
        throw CallError(.internal, "a call with a stream of replies was to be answered with one")
      }
      return nil
    } catch {
      return .failure(error)
    }
  }

  /// Has a peer told of changes that was admitted to it.
  /// - Parameters:
  ///   - caller: the peer for this one call.
  ///   - open: begins the answer; called if nothing is thrown.
  func watch(after revision: Revision, for caller: Caller, _ open: () -> ReplyStream) throws(CallError) {
    try parts.watchers.begin(after: revision, for: caller, open)
  }

  /// Says what ``validateUnlimited(_:at:)`` will be asked soon, which then is answered sooner.
  func expect(_ question: PlainQuestion) {
    parts.registry.expect(question)
  }

  /// Answers calls of ``Method/validateKey`` whose peers have the right to them, at the least cost. What it
  /// has no answer for, ``handle(_:of:at:by:replyTo:)`` has to answer.
  func validateUnlimited(_ questions: some PlainQuestions, at now: Instant) {
    parts.registry.validateUnlimited(questions, at: now)
  }

  /// - Returns: nil where it has to wait: nothing is used then.
  private func judge(_ question: Question, at now: Instant) throws(CallError) -> Validation? {
    guard let later = question.asOf else {
      return parts.registry.validate(question.secret, for: question.permission, at: now)
    }
    return try checked { () throws(DomainError) in
      try parts.registry.validate(question.secret, for: question.permission, asOf: later, at: now)
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

  private func carryOut(
    _ request: ChangeRequest, of caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    let method = Method(request.action)
    try parts.writer.submit(request, for: caller, by: deadline) { [self] result, replies in
      let reply = result.map { outcome in
        Reply.changed(method, outcome.view, outcome.secret, revision: outcome.revision)
      }
      replies.add(reply, to: address)
      replies.afterwards { [self] in
        switch result {
        case .success(let outcome): log(outcome)
        case .failure(let error): log(error, of: method)
        }
      }
    }
  }

  private func carryOut(
    _ group: GroupChange, of caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    let method = Method(group.action)
    try bulk.enter { () throws(CallError) in
      try parts.writer.submit(group, for: caller, by: deadline) { [self] result in
        bulk.leave()
        address.deliver(
          result.map { outcome in
            for change in outcome.changed { log(change) }
            return .groupChanged(method, count: outcome.changed.count, revision: outcome.revision)
          }
          .mapError { error in
            log(error, of: method)
            return error
          })
      }
    }
  }

  /// The store has one caller at a time, so the question waits its turn among the changes.
  private func tellAudit(
    _ query: AuditPageQuery, to caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    try parts.writer.read(for: caller, by: deadline) { [self, parts] isWanted in
      guard isWanted else { return address.deliver(.failure(.tooLate)) }
      do throws(DomainError) {
        let revision = parts.registry.revision
        address.deliver(
          .success(.listAuditEvents(try parts.registry.auditEvents(query), revision: revision)))
      } catch {
        let error = CallError(error)
        log(error, of: .listAuditEvents)
        address.deliver(.failure(error))
      }
    }
  }

  private func takeOver(
    _ request: ImportKeys, of caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    try bulk.enter { () throws(CallError) in
      try parts.writer.submit(for: caller, by: deadline) { [self] turn in
        defer { bulk.leave() }
        guard let turn else { return address.deliver(.failure(.tooLate)) }
        do throws(DomainError) {
          let before = parts.registry.revision
          let outcome = try parts.importer.carryOut(request, by: turn.actor, at: turn.now)
          // Nobody else changes anything meanwhile.
          if parts.registry.revision != before { log(outcome, by: turn.actor) }
          address.deliver(.success(.importKeys(outcome)))
        } catch {
          let error = CallError(error)
          log(error, of: .importKeys)
          address.deliver(.failure(error))
        }
      }
    }
  }

  private func reload(for peer: Peer, _ address: ReplyAddress) throws(CallError) {
    guard let reload = parts.reload else {
      throw CallError(.unimplemented, "this daemon has no configuration to read anew")
    }
    reload(peer) { [registry = parts.registry] outcome in
      switch outcome {
      case .inForce: address.deliver(.success(.reload(revision: registry.revision)))
      case .refused(let mistake):
        address.deliver(
          .failure(
            CallError(
              .failedPrecondition, "\(mistake); mend it and reload: until then the one before is in force",
              reason: .configurationMistaken)))
      }
    }
  }

  /// Answers once the store has reserved what is used by it.
  private func awaitUses(
    of questions: [Question], for method: Method, of caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    try parts.writer.submit(questions, for: caller, by: deadline) { [self] result in
      address.deliver(
        result.map { validations in
          if case .validateKey = method, let validation = validations.first { return .validateKey(validation) }
          return .validateKeys(validations, revision: parts.registry.revision)
        }
        .mapError { error in
          log(error, of: method)
          return error
        })
    }
  }

  /// Every key is looked at, which takes longer than a reactor's other peers shall wait.
  private func list(
    _ query: ListQuery, for caller: Caller, at now: Instant, by deadline: Deadline, _ address: ReplyAddress
  ) throws(CallError) {
    try lists.enqueue(for: caller.peer.uid) { [registry = parts.registry, clock = parts.clock] in
      guard !caller.hasLeft, !deadline.hasPassed(at: clock.monotonicNanoseconds()) else {
        return address.deliver(.failure(.tooLate))
      }
      let revision = registry.revision
      do throws(DomainError) {
        address.deliver(.success(.listKeys(try registry.list(query, at: now), revision: revision)))
      } catch {
        address.deliver(.failure(CallError(error)))
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
      refusedCallCount: parts.statistics.refusedCallCount, auditHead: parts.registry.auditHead)
  }

  private func identity(of caller: Caller, _ user: String) -> Reply {
    .whoAmI(Identity(peer: caller.peer, user: user, rights: caller.rights), revision: parts.registry.revision)
  }

  private func lookUp(_ caller: Caller, _ address: ReplyAddress) throws(CallError) {
    let uid = caller.peer.uid
    let isAdmitted = lookUps.withLock { lookUps in
      guard lookUps[uid, default: 0] < Self.lookUpsPerUser else { return false }
      lookUps[uid, default: 0] += 1
      return true
    }
    guard isAdmitted else {
      throw .tooManyWaiting("too many calls of this user wait for its name: try again in a moment")
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

  /// One line for each change; none where nothing changed.
  private func log(_ outcome: Outcome) {
    guard let change = outcome.change else { return }
    let key = outcome.view.key
    parts.log.info(
      "key \(change.name)",
      metadata: [
        "key": .string(key.id.description), "by": .string(key.updater), "revision": .string(String(key.revision)),
      ])
  }

  /// One line for all the keys of an import.
  private func log(_ outcome: ImportOutcome, by actor: Actor) {
    parts.log.info(
      "keys imported",
      metadata: [
        "count": "\(outcome.importedCount)", "skipped": "\(outcome.skippedCount)", "by": "\(actor.user)",
        "revision": "\(outcome.revision)",
      ])
  }

  /// What the store could not do, as against what it was wrong to ask for.
  private func log(_ error: CallError, of method: Method) {
    guard [.internal, .unavailable, .resourceExhausted].contains(error.code), let suppressed = failures.admit() else {
      return
    }
    parts.log.error(
      "call failed",
      metadata: ["method": "\(method.name)", "reason": "\(error.message)", "suppressed": "\(suppressed)"])
  }
}
