package import KeywardCore

/// Why a call was not carried out. It answers the call; the connection stays.
package struct CallError: Error, Equatable {
  /// What is wrong with one field.
  package struct FieldViolation: Equatable, Sendable {
    /// The field's path: `key.name`, `requests[3].permission`.
    package let field: String
    /// Goes on from the field's path: "is empty: give …".
    package let text: String
  }

  package let code: StatusCode
  /// A person's words: what was wrong and what would be right. Never a secret.
  package let message: String
  /// The same for a program.
  package let reason: ErrorReason
  /// The fields that are wrong.
  package let violations: [FieldViolation]
  /// After how long the same call has a chance; nil where waiting does not help.
  package let retrySeconds: Int?
  /// Revisions that a program goes on by.
  package let revisions: [NamedRevision: Revision]

  /// What a revision is that goes with an error: the key of ErrorInfo's metadata.
  package enum NamedRevision: String, Sendable, CaseIterable {
    /// Whoever watches goes on from it.
    case resume = "resume_revision"
    /// The oldest that a watch can go on from.
    case oldest = "oldest_revision"
    /// The newest.
    case newest = "newest_revision"
  }

  /// - Parameter reason: nil for what the code means by itself.
  package init(
    _ code: StatusCode, _ message: String, reason: ErrorReason? = nil, retrySeconds: Int? = nil,
    revisions: [NamedRevision: Revision] = [:]
  ) {
    self.init(code, message, reason ?? ErrorReason(of: code), [], retrySeconds, revisions)
  }

  /// INVALID_ARGUMENT for one field.
  /// - Parameter text: goes on from the field's path.
  package init(field: String, _ text: String) {
    self.init(
      .invalidArgument, "\(field) \(text)", .fieldInvalid, [FieldViolation(field: field, text: text)], nil)
  }

  init(
    _ code: StatusCode, _ message: String, _ reason: ErrorReason, _ violations: [FieldViolation], _ retrySeconds: Int?,
    _ revisions: [NamedRevision: Revision] = [:]
  ) {
    self.code = code
    self.message = message
    self.reason = reason
    self.violations = violations
    self.retrySeconds = retrySeconds
    self.revisions = revisions
  }

  /// The same for whoever goes on after a revision.
  package func resuming(after revision: Revision) -> CallError {
    CallError(code, message, reason, violations, retrySeconds, revisions.merging([.resume: revision]) { $1 })
  }

  /// The same of an entry, whose path stands before the fields'.
  /// - Parameter separator: what stands between the entry and the message.
  func ofEntry(_ path: String, separator: String) -> CallError {
    CallError(
      code, path + separator + message, reason,
      violations.map { FieldViolation(field: "\(path).\($0.field)", text: $0.text) }, retrySeconds, revisions)
  }

  /// The one place where the domain's refusals become statuses.
  package init(_ error: DomainError) {
    switch error {
    case .invalid(let field, let text): self.init(field: field, text)
    case .notFound(let text): self.init(.notFound, text)
    case .alreadyExists(let text): self.init(.alreadyExists, text)
    case .denied(let text): self.init(.permissionDenied, text)
    case .aborted(let text): self.init(.aborted, text)
    case .precondition(let text): self.init(.failedPrecondition, text)
    case .outOfRange(let text, let oldest, let newest):
      self.init(.outOfRange, text, revisions: [.oldest: oldest, .newest: newest])
    case .exhausted(let text): self.init(.resourceExhausted, text, reason: .storeFull, retrySeconds: 60)
    case .tooLarge(let text): self.init(.resourceExhausted, text)
    case .crowded(let text, let seconds):
      self.init(.resourceExhausted, text, reason: .tooManyWaiting, retrySeconds: seconds)
    case .unavailable(let text): self.init(.unavailable, text, retrySeconds: 1)
    case .unimplemented(let text): self.init(.unimplemented, text)
    case .internal(let text): self.init(.internal, text)
    }
  }

  /// RESOURCE_EXHAUSTED where others are before this call: it may be tried again in a moment.
  package static func tooManyWaiting(_ message: String, retrySeconds: Int = 1) -> CallError {
    CallError(.resourceExhausted, message, reason: .tooManyWaiting, retrySeconds: retrySeconds)
  }
}

/// Runs a check of the domain; what it refuses becomes the call's error.
package func checked<Value>(_ body: () throws(DomainError) -> Value) throws(CallError) -> Value {
  do {
    return try body()
  } catch {
    throw CallError(error)
  }
}
