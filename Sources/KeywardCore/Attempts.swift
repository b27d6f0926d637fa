/// The attempts that came to something in the last 24 hours.
struct Attempts {
  private struct Name: Hashable {
    let uid: UInt32
    let requestID: RequestID
  }

  private var known: [Name: Attempt] = [:]

  mutating func remember(_ attempt: Attempt) {
    known[Name(uid: attempt.id.uid, requestID: attempt.id.requestID)] = attempt
  }

  /// Whether the user's id is that of an attempt at anything.
  func isKnown(_ requestID: RequestID, of uid: UInt32, at now: Instant) -> Bool {
    known[Name(uid: uid, requestID: requestID)].map { isRemembered($0, at: now) } ?? false
  }

  private func isRemembered(_ attempt: Attempt, at now: Instant) -> Bool {
    attempt.time.adding(seconds: RequestID.lifetimeSeconds) > now
  }

  func hasAny(upTo instant: Instant) -> Bool { known.values.contains { $0.time <= instant } }

  mutating func forget(upTo instant: Instant) {
    known = known.filter { $0.value.time > instant }
  }

  /// The key that the same attempt made, nil where it is a new one.
  /// - Throws: ``DomainError/invalid(field:_:)`` where the id was used for something else.
  func key(of id: AttemptID, at now: Instant) throws(DomainError) -> KeyID? { try attempt(of: id, at: now)?.key }

  /// The same attempt if it came to something, as ``key(of:at:)``.
  func attempt(of id: AttemptID, at now: Instant) throws(DomainError) -> Attempt? {
    guard let attempt = known[Name(uid: id.uid, requestID: id.requestID)], isRemembered(attempt, at: now) else {
      return nil
    }
    guard attempt.id.fingerprint == id.fingerprint else {
      throw .invalid(field: "request_id", "was used for another request in the last 24 hours: take a new one")
    }
    return attempt
  }
}

extension ChangeRequest.Action {
  /// The same for the same content.
  var fingerprint: Digest {
    var text = parts.joined(separator: "\u{1F}")
    return text.withUTF8 { Digest(sha256: UnsafeRawBufferPointer($0)) }
  }

  // No text in a command can hold the separator, which is a control character.
  private var parts: [String] {
    switch self {
    case .create(let key):
      ["create", key.name.text, key.permission.name, "\(key.enabled)", key.expireTime?.description ?? "never"]
        + (key.rateLimit.map { ["\($0)"] } ?? []) + (key.useLimit.map { ["\($0)"] } ?? [])
    case .update(let id, let update):
      [
        "update", id.description, update.name?.text ?? "", update.enabled.map { "\($0)" } ?? "",
        update.expiry.map { "\($0)" } ?? "", update.rateLimit.map { "\($0)" } ?? "",
        update.useLimit.map { "\($0)" } ?? "",
      ]
    case .revoke(let id, let revocation):
      ["revoke", id.description, revocation.time?.description ?? "now", revocation.reason.text]
    case .delete(let id): ["delete", id.description]
    case .undelete(let id): ["undelete", id.description]
    case .copy(let id, let copy): ["copy", id.description, copy.name?.text ?? ""]
    case .rotate(let id, let rotation): ["rotate", id.description, "\(rotation.graceSeconds)"]
    }
  }
}
