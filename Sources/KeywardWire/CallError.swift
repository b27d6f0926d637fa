package import KeywardCore

/// Why a call was not carried out. It answers the call; the connection stays.
package struct CallError: Error, Equatable {
  package let code: StatusCode
  /// A person's words: what was wrong and what would be right. Never a secret.
  package let message: String

  package init(_ code: StatusCode, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The one place where the domain's refusals become status codes.
  package init(_ error: DomainError) {
    let code: StatusCode =
      switch error {
      case .invalid: .invalidArgument
      case .notFound: .notFound
      case .alreadyExists: .alreadyExists
      case .denied: .permissionDenied
      case .aborted: .aborted
      case .precondition: .failedPrecondition
      case .exhausted: .resourceExhausted
      case .unavailable: .unavailable
      case .unimplemented: .unimplemented
      case .internal: .internal
      }
    self.init(code, error.message)
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
