import Synchronization

extension Registry {
  /// Takes keys over from another system, all in one transaction of the store, or none. Has one caller at a time,
  /// together with ``commit(_:at:limit:)``.
  ///
  /// The same request of the same user within 24 hours imports nothing more: it is answered as the first one was.
  /// - Throws: naming the entry and its field, for two entries with one name or secret, and for one that is here
  ///   already unless those are skipped.
  public func importKeys(
    _ request: ImportKeys, by actor: Actor, at instant: Instant
  ) throws(DomainError) -> ImportOutcome {
    let now = judged(instant)
    let id = request.options.requestID.map {
      AttemptID(uid: actor.uid, requestID: $0, fingerprint: request.fingerprint)
    }
    if let id,
      let made = try attempts.withLock({ (attempts) throws(DomainError) in try attempts.attempt(of: id, at: now) })
    {
      return recount(request, madeAt: made.time)
    }
    let chosen = try choose(request)
    let skipped = request.keys.count - chosen.count
    guard !chosen.isEmpty, !request.options.validateOnly else {
      return ImportOutcome(importedCount: chosen.count, skippedCount: skipped, revision: revision)
    }
    // One of the changes carries the attempt for all.
    let drafts = chosen.enumerated().map { place, number in
      KeyRules.imported(request.keys[number], by: actor, at: now, attempt: place == 0 ? id : nil)
    }
    let revision = try carryOutTogether(drafts, numbers: chosen, at: now)
    return ImportOutcome(importedCount: chosen.count, skippedCount: skipped, revision: revision)
  }

  /// The numbers of the keys that are to be imported.
  private func choose(_ request: ImportKeys) throws(DomainError) -> [Int] {
    var names: [KeyName: Int] = [:]
    var digests: [Digest: Int] = [:]
    names.reserveCapacity(request.keys.count)
    digests.reserveCapacity(request.keys.count)
    var chosen: [Int] = []
    chosen.reserveCapacity(request.keys.count)
    for (number, key) in request.keys.enumerated() {
      let digest = key.credential.digest
      if let other = names.updateValue(number, forKey: key.name) {
        throw .invalid(field: "keys[\(number)].name", "is the name of keys[\(other)] too")
      }
      if let other = digests.updateValue(number, forKey: digest) {
        throw .invalid(field: "keys[\(number)].secret", "is the secret of keys[\(other)] too")
      }
      // Each look-up takes the lock by itself, so that no validation waits for all of them.
      let (hasName, hasSecret) = index.withLock { ($0.contains(key.name), $0.contains(digest)) }
      if !hasName, !hasSecret {
        chosen.append(number)
      } else if !request.options.skipExisting {
        throw .imported(number, hasName ? .nameTaken : .duplicate)
      }
    }
    return chosen
  }

  /// - Returns: the revision of the last change.
  private func carryOutTogether(
    _ drafts: [Draft], numbers: [Int], at now: Instant
  ) throws(DomainError) -> Revision {
    switch try placeTogether(drafts, at: now) {
    case .failure(let refusal): throw .imported(numbers[refusal.index], refusal.conflict)
    case .success(let placements):
      for (draft, placement) in zip(drafts, placements) { publish(draft, at: placement, now) }
      return placements.last?.revision ?? revision
    }
  }

  /// What an import made before came to. What it imported has its instant.
  private func recount(_ request: ImportKeys, madeAt instant: Instant) -> ImportOutcome {
    var skipped = 0
    if request.options.skipExisting {
      for key in request.keys {
        let present = index.withLock { $0.key(digest: key.credential.digest) }
        if present?.createTime != instant { skipped += 1 }
      }
    }
    return ImportOutcome(
      importedCount: request.keys.count - skipped, skippedCount: skipped, revision: revision)
  }
}

extension KeyRules {
  /// What is past already when a key comes is not told as if it happened then.
  fileprivate static func imported(
    _ imported: ImportKey, by actor: Actor, at now: Instant, attempt: AttemptID?
  ) -> Draft {
    var generator = SystemRandomNumberGenerator()
    let isPast = imported.expireTime.map { $0 <= now } ?? false
    let key = Key(
      id: .random(using: &generator), name: imported.name, permission: imported.permission, enabled: imported.enabled,
      expireTime: imported.expireTime, hint: imported.credential.hint,
      creator: imported.creator.isEmpty ? actor.user : imported.creator, createTime: now, updater: actor.user,
      updateTime: now, revision: 0, noted: Noted(expired: isPast ? imported.expireTime : nil))
    let change = Change(
      .insert(key, imported.credential.digest), type: .imported, by: actor, before: nil, attempt: attempt)
    return Draft(change: change, subject: key, secret: nil)
  }
}

extension DomainError {
  /// Why one entry cannot be imported. Names are not repeated: in a list that was mixed up they may be secrets.
  fileprivate static func imported(_ number: Int, _ conflict: Conflict) -> DomainError {
    switch conflict {
    case .nameTaken: .alreadyExists("keys[\(number)].name is the name of a key that is here already")
    case .duplicate: .alreadyExists("keys[\(number)].secret is the secret of a key that is here already")
    case .changed: .aborted("another change came before keys[\(number)]: try again")
    }
  }
}

extension ImportKeys {
  /// The same for the same content, whether it is only to be checked or not.
  fileprivate var fingerprint: Digest {
    var bytes: [UInt8] = Array((options.skipExisting ? "import skipping" : "import").utf8)
    for key in keys {
      // No text of a key holds the separator, which is a control character.
      let parts = [
        key.name.text, key.permission.name, key.expireTime?.description ?? "never", key.creator, "\(key.enabled)",
      ]
      for part in parts {
        bytes.append(0x1F)
        bytes.append(contentsOf: part.utf8)
      }
      bytes.append(0x1F)
      key.credential.digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    return bytes.withUnsafeBytes { Digest(sha256: $0) }
  }
}
