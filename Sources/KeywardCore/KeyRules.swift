/// What may become of a key: each rule takes the key as it is and gives the key as it will be.
enum KeyRules {
  /// Seconds for which a deleted key can be brought back.
  static let undeleteSeconds: Int64 = 30 * 86400

  /// - Parameter id: of the new key.
  static func created(
    _ request: CreateKey, id: KeyID, secret: Secret, by actor: Actor, at now: Instant
  ) throws(DomainError) -> Key {
    try checkExpiry(request.expireTime, at: now)
    return Key(
      id: id, name: request.name, permission: request.permission, enabled: request.enabled,
      expireTime: request.expireTime, hint: secret.hint, creator: actor.user, createTime: now, updater: actor.user,
      updateTime: now, revision: 0, rateLimit: request.rateLimit, useLimit: request.useLimit)
  }

  /// The key with its update, and what kind of change that is. An update that changes nothing gives the key as it is.
  static func updated(
    _ key: Key, _ update: KeyUpdate, at now: Instant
  ) throws(DomainError) -> (Key, ChangeType) {
    try checkPresent(key)
    var result = key
    if let name = update.name, name != key.name {
      try name.checkIsNoID()
      result.name = name
      result.copyBase = name
    }
    if let enabled = update.enabled { result.enabled = enabled }
    switch update.expiry {
    case nil: break
    case .never: result.expireTime = nil
    case .at(let time):
      if time != key.expireTime { try checkExpiry(time, at: now) }
      result.expireTime = time
    }
    if let limit = update.rateLimit { result.rateLimit = limit.value }
    if let limit = update.useLimit { result.useLimit = limit.value }
    var renamed = key
    (renamed.name, renamed.copyBase) = (result.name, result.copyBase)
    if key.state(at: now) == .revoked, result != renamed {
      throw .precondition("the key \"\(key.name.text)\" is revoked, which is final: create or copy another")
    }
    var switched = key
    switched.enabled = result.enabled
    let onlyEnabled = result == switched && result.enabled != key.enabled
    return (result, onlyEnabled ? (result.enabled ? .enabled : .disabled) : .updated)
  }

  static func revoked(_ key: Key, _ revocation: Revocation, at now: Instant) throws(DomainError) -> Key {
    try checkPresent(key)
    if key.state(at: now) == .revoked {
      throw .precondition("the key \"\(key.name.text)\" is revoked already")
    }
    let time = revocation.time?.orNow(at: now) ?? now
    guard time >= now else {
      throw .invalid(field: "revoke_time", "\(time) is before now, \(now): leave it out to revoke now")
    }
    guard time.isRepresentable else { throw .invalid(field: "revoke_time", "is later than the year 9999") }
    if let present = key.revokeTime, present < time {
      throw .precondition(
        "the key \"\(key.name.text)\" will be revoked at \(present) already, and a revocation can only be brought forward"
      )
    }
    var result = key
    result.revokeTime = time
    // What happens at once is told by the change itself.
    if time <= now { result.noted.revoked = time }
    // Brought forward without a word, a revocation keeps the reason it had.
    if revocation.reason != .none { result.revokeReason = revocation.reason.text }
    return result
  }

  static func deleted(_ key: Key, at now: Instant) throws(DomainError) -> Key {
    try checkPresent(key)
    var result = key
    result.deleteTime = now
    result.purgeTime = min(now.adding(seconds: undeleteSeconds), .latest)
    return result
  }

  static func undeleted(_ key: Key, at now: Instant) throws(DomainError) -> Key {
    guard key.deleteTime != nil else {
      throw .precondition("the key \"\(key.name.text)\" is not deleted")
    }
    // The sweeper may be late; the end of the 30 days is not.
    guard key.purgeTime.map({ $0 > now }) ?? true else { throw notFound(key.id) }
    var result = key
    result.deleteTime = nil
    result.purgeTime = nil
    return result
  }

  /// A key like another, under a name of its own.
  /// - Parameter id: of the copy.
  static func copied(
    _ key: Key, id: KeyID, as name: KeyName, counted: Bool, secret: Secret, by actor: Actor, at now: Instant
  ) throws(DomainError) -> Key {
    try checkPresent(key)
    return Key(
      id: id, name: name, permission: key.permission, enabled: key.enabled,
      expireTime: key.expireTime, hint: secret.hint, creator: actor.user, createTime: now, updater: actor.user,
      updateTime: now, revision: 0, copyBase: counted ? key.copyBase : name, rateLimit: key.rateLimit,
      useLimit: key.useLimit)
  }

  /// - Parameter formerEnds: when each of the key's former secrets ends or has ended.
  static func rotated(
    _ key: Key, _ rotation: RotateKey, formerEnds: [Instant], secret: Secret, at now: Instant
  ) throws(DomainError) -> Key {
    try checkPresent(key)
    guard key.state(at: now) != .revoked else {
      throw .precondition("the key \"\(key.name.text)\" is revoked, which is final: create or copy another")
    }
    // Without a grace no former secret stays, however many there are: nothing may keep a leak from being ended.
    let ends = formerEnds.filter { $0 > now }.sorted()
    if rotation.graceSeconds > 0, ends.count >= RotateKey.maxFormerCount {
      let end = ends[ends.count - RotateKey.maxFormerCount]
      throw .precondition(
        "the key \"\(key.name.text)\" has \(ends.count) former secrets that are still good, and may have no more than"
          + " \(RotateKey.maxFormerCount): rotate it with a grace of 0s, which ends them all, or wait until \(end)")
    }
    var result = key
    result.hint = secret.hint
    return result
  }

  static func notFound(_ id: KeyID) -> DomainError { .notFound("no key has the id \(id)") }

  private static func checkPresent(_ key: Key) throws(DomainError) {
    guard key.deleteTime == nil else {
      throw .precondition("the key \"\(key.name.text)\" is deleted: undelete it first")
    }
  }

  private static func checkExpiry(_ time: Instant?, at now: Instant) throws(DomainError) {
    guard let time else { return }
    guard time > now else { throw .invalid(field: "expire_time", "\(time) is not later than now, \(now)") }
    guard time.isRepresentable else {
      throw .invalid(field: "expire_time", "is later than the year 9999: leave it out for a key that never expires")
    }
  }
}
