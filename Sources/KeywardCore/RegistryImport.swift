import Synchronization

extension Registry {
  /// Takes over the keys of one call, as an upload of one portion.
  public func importKeys(
    _ request: ImportKeys, by actor: Actor, at instant: Instant
  ) throws(DomainError) -> ImportOutcome {
    var upload = ImportUpload(request.options)
    try upload.append(request)
    return try importKeys(upload, by: actor, at: instant)
  }

  /// Takes in a portion of an upload that is not the last, and looks whether anything of it is here already. Nothing
  /// is made.
  /// - Throws: naming the entry and its field, as for the whole upload, which is of no more use then.
  public func add(
    _ request: ImportKeys, to upload: inout ImportUpload, by actor: Actor, at instant: Instant
  ) throws(DomainError) {
    try upload.append(request)
    let now = judged(instant)
    // What was imported by the same request is here, of course: the last portion tells.
    let wasMade = request.options.attemptID.map { id in
      attempts.withLock { $0.isKnown(id, of: actor.uid, at: now) }
    }
    guard !request.options.skipExisting, wasMade != true else { return }
    for (number, key) in request.keys.enumerated() {
      if let obstacle = obstacle(to: key) { throw .imported("keys[\(number)]", obstacle) }
    }
  }

  /// Takes keys over from another system, all in one transaction of the store, or none. Has one caller at a time,
  /// together with ``commit(_:at:limit:)``.
  ///
  /// The same request of the same user within 24 hours imports nothing more: it is answered as the first one was. One
  /// that is only to be checked is no attempt, whatever its id.
  /// - Throws: naming the entry and its field, for one that is here already unless those are skipped.
  public func importKeys(
    _ upload: ImportUpload, by actor: Actor, at instant: Instant
  ) throws(DomainError) -> ImportOutcome {
    let now = judged(instant)
    let id = upload.options.attemptID.map {
      AttemptID(uid: actor.uid, requestID: $0, fingerprint: upload.fingerprint)
    }
    if let id,
      let made = try attempts.withLock({ (attempts) throws(DomainError) in try attempts.attempt(of: id, at: now) })
    {
      return recount(upload, madeAt: made.time)
    }
    let chosen = try choose(upload)
    let skipped = upload.keyCount - chosen.count
    guard !chosen.isEmpty, !upload.options.validateOnly else {
      return ImportOutcome(importedCount: chosen.count, skippedCount: skipped, revision: revision)
    }
    let revision = try carryOut(ImportChanges(upload, chosen, by: actor, at: now, attempt: id))
    return ImportOutcome(importedCount: chosen.count, skippedCount: skipped, revision: revision)
  }

  /// The entries that are to be imported.
  private func choose(_ upload: ImportUpload) throws(DomainError) -> [ImportUpload.Entry] {
    var chosen: [ImportUpload.Entry] = []
    chosen.reserveCapacity(upload.keyCount)
    for entry in upload.entries {
      if let obstacle = obstacle(to: upload[entry]) {
        guard upload.options.skipExisting else { throw .imported(upload.name(of: entry), obstacle) }
      } else {
        chosen.append(entry)
      }
    }
    return chosen
  }

  /// Each look-up takes the lock by itself, so that no validation waits for all of them.
  private func obstacle(to key: ImportKey) -> Obstacle? {
    index.withLock { index in
      if index.contains(key.name) { return .conflict(.nameTaken) }
      guard index.contains(key.credential.digest) else { return nil }
      return index.key(digest: key.credential.digest)?.deleteTime == nil ? .conflict(.duplicate) : .deletedKey
    }
  }

  /// - Returns: the revision of the last change.
  private func carryOut(_ changes: ImportChanges) throws(DomainError) -> Revision {
    switch try placeTogether(changes, at: changes.now) {
    case .failure(let refusal): throw .imported(changes.entryName(refusal.index), .conflict(refusal.conflict))
    case .success(let placements):
      // The lock is held for one key at a time.
      for (place, placement) in placements.enumerated() {
        let (key, change) = changes.change(at: place)
        makeKnown(change, of: key, at: placement, changes.now)
      }
      return placements.last?.revision ?? revision
    }
  }

  /// What an import made before came to. What it imported has its instant.
  private func recount(_ upload: ImportUpload, madeAt instant: Instant) -> ImportOutcome {
    var skipped = 0
    if upload.options.skipExisting {
      for entry in upload.entries {
        let present = index.withLock { $0.key(digest: upload[entry].credential.digest) }
        if present?.createTime != instant { skipped += 1 }
      }
    }
    return ImportOutcome(importedCount: upload.keyCount - skipped, skippedCount: skipped, revision: revision)
  }
}

/// The changes that an import makes. Each is made when it is asked for, and the same one again: a million of them would
/// be more than all the keys are afterwards.
private struct ImportChanges: Sequence {
  private let upload: ImportUpload
  private let entries: [ImportUpload.Entry]
  private let ids: [KeyID]
  private let actor: Actor
  let now: Instant
  private let attempt: AttemptID?

  init(
    _ upload: ImportUpload, _ entries: [ImportUpload.Entry], by actor: Actor, at now: Instant, attempt: AttemptID?
  ) {
    self.upload = upload
    self.entries = entries
    self.actor = actor
    self.now = now
    self.attempt = attempt
    var generator = RandomPool()
    ids = entries.map { _ in .random(at: now, using: &generator) }
  }

  var underestimatedCount: Int { entries.count }

  func makeIterator() -> some IteratorProtocol<Change> {
    entries.indices.lazy.map { change(at: $0).change }.makeIterator()
  }

  func entryName(_ place: Int) -> String { upload.name(of: entries[place]) }

  /// What is past already when a key comes is not told as if it happened then.
  func change(at place: Int) -> (key: Key, change: Change) {
    let imported = upload[entries[place]]
    let isPast = imported.expireTime.map { $0 <= now } ?? false
    let key = Key(
      id: ids[place], name: imported.name, permission: imported.permission, enabled: imported.enabled,
      expireTime: imported.expireTime, hint: imported.credential.hint,
      creator: imported.creator.isEmpty ? actor.user : imported.creator, createTime: now, updater: actor.user,
      updateTime: now, revision: 0, noted: Noted(expired: isPast ? imported.expireTime : nil),
      rateLimit: imported.rateLimit, useLimit: imported.useLimit)
    // One of the changes carries the attempt for all.
    let change = Change(
      .insert(key, imported.credential.digest), type: .imported, by: actor, before: nil,
      attempt: place == 0 ? attempt : nil)
    return (key, change)
  }
}

extension ImportOptions {
  /// nil where no attempt is made.
  fileprivate var attemptID: RequestID? { validateOnly ? nil : requestID }
}

/// What keeps one entry from being imported.
private enum Obstacle {
  case conflict(Conflict)
  /// It has the secret of a key that is deleted.
  case deletedKey
}

extension DomainError {
  /// Why one entry cannot be imported. Names are not repeated: in a list that was mixed up they may be secrets.
  fileprivate static func imported(_ entry: String, _ obstacle: Obstacle) -> DomainError {
    switch obstacle {
    case .deletedKey:
      .alreadyExists("\(entry).secret is the secret of a deleted key: undelete that one, and it is good again")
    case .conflict(.nameTaken): .alreadyExists("\(entry).name is the name of a key that is here already")
    case .conflict(.duplicate): .alreadyExists("\(entry).secret is the secret of a key that is here already")
    case .conflict(.changed): .aborted("another change came before \(entry): try again")
    }
  }
}
