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
  /// Too soon after the uses before. Judged last.
  case rateLimited = 8
  /// Every use that the key's total allows has been made. Judged after the states.
  case usageExceeded = 9

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
    case .rateLimited: "RATE_LIMITED"
    case .usageExceeded: "USAGE_EXCEEDED"
    }
  }
}

/// A verdict, and with `VALID` and every state verdict what the peer may know of the key.
public struct Validation: Sendable, Equatable {
  public struct Subject: Sendable, Equatable {
    public let id: KeyID
    public let name: NameText
    /// The instant until which the verdict holds if nobody changes the key; nil means for ever. `VALID` for a key with
    /// limits is good for the one use, and so holds until the instant of the call.
    public let validUntil: Instant?
    /// The store's revision when the verdict was reached.
    public let revision: Revision

    public init(id: KeyID, name: KeyName, validUntil: Instant?, revision: Revision) {
      self.init(id: id, name: NameText(name), validUntil: validUntil, revision: revision)
    }

    init(id: KeyID, name: NameText, validUntil: Instant?, revision: Revision) {
      self.id = id
      self.name = name
      self.validUntil = validUntil
      self.revision = revision
    }
  }

  public let verdict: Verdict
  /// nil with `MALFORMED`, `NOT_FOUND` and `WRONG_PERMISSION`.
  public let subject: Subject?
  /// With `RATE_LIMITED`, and `USAGE_EXCEEDED` where there is a refill: the instant before which no use has a chance.
  public let retryTime: Instant?

  public init(_ verdict: Verdict, subject: Subject? = nil, retryTime: Instant? = nil) {
    self.verdict = verdict
    self.subject = subject
    self.retryTime = retryTime
  }

  /// The verdict on a use of an active key, by what its limits say of it; nil where it has to wait.
  /// - Parameter end: the instant at which the key is active no more, ``Instant/distantFuture`` for never.
  func judged(by admission: Admission, unless end: Instant) -> Validation? {
    switch admission {
    case .granted: return self
    case .waits: return nil
    case .rateLimited(let retry): return refused(.rateLimited, until: retry, unless: end)
    case .exceeded(let retry): return refused(.usageExceeded, until: retry, unless: end)
    }
  }

  private func refused(_ verdict: Verdict, until retry: Instant?, unless end: Instant) -> Validation {
    let subject = subject.map { subject in
      let holds = min(retry ?? end, end)
      return Subject(
        id: subject.id, name: subject.name, validUntil: holds == .distantFuture ? nil : holds,
        revision: subject.revision)
    }
    return Validation(verdict, subject: subject, retryTime: retry)
  }
}

extension Verdict {
  /// On a key of the right permission in a state.
  init(_ state: State) {
    switch state {
    case .deleted: self = .notFound
    case .revoked: self = .revoked
    case .expired: self = .expired
    case .disabled: self = .disabled
    case .active: self = .valid
    }
  }
}
