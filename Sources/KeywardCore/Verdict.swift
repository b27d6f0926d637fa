/// The answer of a validation. A verdict is never an error.
public enum Verdict: UInt8, Sendable, CaseIterable {
  case valid = 1
  /// The secret cannot be one; no look-up was made.
  case malformed = 2
  /// No such key, or a deleted one.
  case notFound = 3
  /// The key is for another channel. Judged before the states.
  case wrongPermission = 4
  case revoked = 5
  case expired = 6
  case disabled = 7

  /// The name on the wire: `VALID`, `NOT_FOUND`.
  public var name: String {
    switch self {
    case .valid: "VALID"
    case .malformed: "MALFORMED"
    case .notFound: "NOT_FOUND"
    case .wrongPermission: "WRONG_PERMISSION"
    case .revoked: "REVOKED"
    case .expired: "EXPIRED"
    case .disabled: "DISABLED"
    }
  }
}

/// A verdict, and with `VALID` and every state verdict what the peer may know of the key.
public struct Validation: Sendable, Equatable {
  public struct Subject: Sendable, Equatable {
    public let id: KeyID
    public let name: KeyName
    /// The instant until which the verdict holds if nobody changes the key; nil means for ever.
    public let validUntil: Instant?
    /// The store's revision when the verdict was reached.
    public let revision: Revision

    public init(id: KeyID, name: KeyName, validUntil: Instant?, revision: Revision) {
      self.id = id
      self.name = name
      self.validUntil = validUntil
      self.revision = revision
    }
  }

  public let verdict: Verdict
  /// nil with `MALFORMED`, `NOT_FOUND` and `WRONG_PERMISSION`.
  public let subject: Subject?

  public init(_ verdict: Verdict, subject: Subject? = nil) {
    self.verdict = verdict
    self.subject = subject
  }
}

extension Key {
  /// The verdict on whoever presents a secret of the key for a permission.
  /// - Parameter digestUntil: the instant at which that secret stops being good, nil where it does not.
  func validation(
    for permission: Permission, at instant: Instant, digestUntil: Instant? = nil, revision: Revision
  ) -> Validation {
    let verdict: Verdict
    switch state(at: instant) {
    case .deleted: return Validation(.notFound)
    case _ where self.permission != permission: return Validation(.wrongPermission)
    case .revoked: verdict = .revoked
    case .expired: verdict = .expired
    case .disabled: verdict = .disabled
    case .active: verdict = .valid
    }
    let transition = nextTransition(after: instant)
    let end = digestUntil.map { min($0, transition ?? $0) } ?? transition
    return Validation(
      verdict, subject: Validation.Subject(id: id, name: name, validUntil: end, revision: revision))
  }
}
