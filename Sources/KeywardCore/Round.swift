/// What a command comes to before the store is asked.
enum Drafted {
  case change(Draft)
  /// There is nothing to change about the key.
  case nothing(Key)
  /// It touches what another command of the round changes, so it has to see that first.
  case later
}

/// A change that the rules allow and the store has yet to make.
struct Draft {
  let change: Change
  /// The key it is about.
  let subject: Key
  let secret: Secret?

  func refusal(_ conflict: Conflict) -> DomainError {
    switch conflict {
    case .nameTaken: change.type == .undeleted ? .takenMeanwhile(subject.name) : .nameTaken(subject.name)
    case .duplicate: .internal("a new key met its double")
    case .changed: .aborted("another change of the key \"\(subject.name.text)\" came first: look at it and try again")
    }
  }
}

/// What the rules ask of the keys that the store has committed.
protocol KeyLookup {
  func committedKey(_ id: KeyID) -> Key?
  /// Whether a key that is not deleted has the name.
  func isTaken(_ name: KeyName) -> Bool
  /// When each former secret of a key ends or has ended, in no order.
  func formerEnds(of id: KeyID) -> [Instant]
}

/// Commands that go to the store together: none of them may touch what another one does.
struct Round {
  let now: Instant
  private var names: Set<KeyName> = []
  private var keys: Set<KeyID> = []
  private var attempts: Set<AttemptID> = []
  private var attempt: AttemptID?
  private var generator = RandomPool()

  init(at now: Instant) {
    self.now = now
  }

  /// Whether a command of the round changes a key.
  func changes(_ id: KeyID?) -> Bool { id.map { keys.contains($0) } ?? false }

  /// - Returns: false where the same attempt is in the round already.
  mutating func claim(_ id: AttemptID) -> Bool {
    guard !attempts.contains(where: { $0.uid == id.uid && $0.requestID == id.requestID }) else { return false }
    attempts.insert(id)
    attempt = id
    return true
  }

  /// Applies the rules to a command, over what the store has committed.
  mutating func draft(_ command: Command, over index: some KeyLookup) throws(DomainError) -> Drafted {
    defer { attempt = nil }
    switch command.request.action {
    case .create(let request): return try create(request, command, index)
    case .copy(let id, let copy): return try self.copy(id, copy, command, index)
    case .update(let id, let update):
      return try change(id, command, index) { (key, now) throws(DomainError) in
        try KeyRules.updated(key, update, at: now)
      }
    case .revoke(let id, let revocation):
      return try change(id, command, index) { (key, now) throws(DomainError) in
        (try KeyRules.revoked(key, revocation, at: now), .revoked)
      }
    case .delete(let id):
      return try change(id, command, index) { (key, now) throws(DomainError) in
        (try KeyRules.deleted(key, at: now), .deleted)
      }
    case .undelete(let id):
      return try change(id, command, index) { (key, now) throws(DomainError) in
        (try KeyRules.undeleted(key, at: now), .undeleted)
      }
    case .rotate(let id, let rotation): return try rotate(id, rotation, command, index)
    }
  }

  private mutating func create(
    _ request: CreateKey, _ command: Command, _ index: some KeyLookup
  ) throws(DomainError) -> Drafted {
    try request.name.checkIsNoID()
    guard !names.contains(request.name) else { return .later }
    guard !index.isTaken(request.name) else { throw .nameTaken(request.name) }
    let secret = Secret.random(for: request.permission, using: &generator)
    let id = KeyID.random(at: now, using: &generator)
    return insert(try KeyRules.created(request, id: id, secret: secret, by: command.actor, at: now), secret, command)
  }

  private mutating func copy(
    _ id: KeyID, _ copy: CopyKey, _ command: Command, _ index: some KeyLookup
  ) throws(DomainError) -> Drafted {
    let key = try present(id, command, index)
    if let name = copy.name {
      try name.checkIsNoID()
      guard !names.contains(name) else { return .later }
      guard !index.isTaken(name) else { throw .nameTaken(name) }
    }
    var name = copy.name
    if name == nil {
      let taken = names
      name = CopyName.next(for: key.copyBase) { taken.contains($0) || index.isTaken($0) }
    }
    let secret = Secret.random(for: key.permission, using: &generator)
    let result = try KeyRules.copied(
      key, id: .random(at: now, using: &generator), as: name ?? key.name, counted: copy.name == nil, secret: secret,
      by: command.actor, at: now)
    return insert(result, secret, command)
  }

  private mutating func rotate(
    _ id: KeyID, _ rotation: RotateKey, _ command: Command, _ index: some KeyLookup
  ) throws(DomainError) -> Drafted {
    let before = try present(id, command, index)
    let secret = Secret.random(for: before.permission, using: &generator)
    let rotated = try KeyRules.rotated(
      before, rotation, formerEnds: index.formerEnds(of: id), secret: secret, at: now)
    let after = touched(rotated, by: command.actor)
    keys.insert(id)
    let effect = Change.Effect.rotate(
      after, secret.digest, oldUntil: now.adding(seconds: rotation.graceSeconds))
    return .change(
      Draft(
        change: Change(effect, type: .rotated, by: command.actor, before: before, attempt: attempt), subject: after,
        secret: secret))
  }

  private mutating func change(
    _ id: KeyID, _ command: Command, _ index: some KeyLookup,
    _ rule: (Key, Instant) throws(DomainError) -> (Key, ChangeType)
  ) throws(DomainError) -> Drafted {
    let before = try present(id, command, index)
    let (result, type) = try rule(before, now)
    guard result != before else { return .nothing(before) }
    if result.name != before.name || before.deleteTime != nil, result.deleteTime == nil {
      guard !names.contains(result.name) else { return .later }
      if index.isTaken(result.name) {
        throw before.deleteTime == nil ? .nameTaken(result.name) : .takenMeanwhile(result.name)
      }
    }
    keys.insert(id)
    names.formUnion([before.name, result.name])
    let after = touched(result, by: command.actor)
    return .change(
      Draft(
        change: Change(.replace(after), type: type, by: command.actor, before: before, attempt: attempt),
        subject: after, secret: nil))
  }

  private mutating func insert(_ key: Key, _ secret: Secret, _ command: Command) -> Drafted {
    names.insert(key.name)
    let change = Change(
      .insert(key, secret.digest), type: .created, by: command.actor, before: nil, attempt: attempt)
    return .change(Draft(change: change, subject: key, secret: secret))
  }

  /// The key as it is, if it is the one the peer took it for.
  private func present(_ id: KeyID, _ command: Command, _ index: some KeyLookup) throws(DomainError) -> Key {
    guard let key = index.committedKey(id) else { throw KeyRules.notFound(id) }
    guard command.request.etag == nil || command.request.etag == key.revision else {
      throw .aborted("the etag is not the key's: another change of \"\(key.name.text)\" came first, look at it again")
    }
    return key
  }

  private func touched(_ key: Key, by actor: Actor) -> Key {
    var key = key
    key.updater = actor.user
    key.updateTime = now
    return key
  }
}

extension DomainError {
  static func nameTaken(_ name: KeyName) -> DomainError {
    .alreadyExists("a key has the name \"\(name.text)\" already: choose another")
  }

  /// For a deleted key, which comes back under its own name.
  static func takenMeanwhile(_ name: KeyName) -> DomainError {
    .alreadyExists("another key has the name \"\(name.text)\": rename that one first")
  }
}
