import KeywardClient
import KeywardCore

/// How the command ends: 0 or 1 for an answer, everything else by sysexits(3).
enum ExitStatus: Int32, CaseIterable {
  case success = 0
  /// `validate`: any verdict but VALID; `audit --verify`: something is wrong; `delete` and `--all`: the person was
  /// asked and did not say yes.
  case refused = 1
  /// EX_USAGE: the command line is wrong.
  case usage = 64
  /// EX_DATAERR: what was asked for, or the secret given, is wrong.
  case badData = 65
  /// EX_NOINPUT: no such key, or a file that cannot be opened.
  case noInput = 66
  /// EX_UNAVAILABLE: no daemon, or one that cannot do this.
  case unavailable = 69
  /// EX_SOFTWARE: a fault of keyward's own.
  case software = 70
  /// EX_CANTCREAT: it exists already.
  case cannotCreate = 73
  /// EX_IOERR: reading or writing failed.
  case inputOutput = 74
  /// EX_TEMPFAIL: may go well another time.
  case temporary = 75
  /// EX_PROTOCOL: the other end does not speak as a daemon does.
  case violation = 76
  /// EX_NOPERM: a right is lacking, or the socket is not to be trusted.
  case noPermission = 77

  init(_ error: ClientError) {
    switch error {
    case .unreachable: self = .unavailable
    case .forbidden, .untrusted: self = .noPermission
    case .timedOut: self = .temporary
    case .protocolViolation: self = .violation
    case .refused(let code, _): self = ExitStatus(code)
    }
  }

  /// - Parameter code: how a call was refused; a refusal that says OK is not of the protocol.
  init(_ code: StatusCode) {
    switch code {
    case .ok: self = .violation
    case .invalidArgument, .outOfRange, .failedPrecondition: self = .badData
    case .notFound: self = .noInput
    case .alreadyExists: self = .cannotCreate
    case .permissionDenied, .unauthenticated: self = .noPermission
    case .cancelled, .deadlineExceeded, .resourceExhausted, .aborted: self = .temporary
    case .unimplemented, .unavailable: self = .unavailable
    case .unknown, .internal, .dataLoss: self = .software
    }
  }

  /// For a rule of the domain that was judged on this side.
  init(_ error: DomainError) {
    switch error {
    case .invalid, .precondition, .outOfRange: self = .badData
    case .notFound: self = .noInput
    case .alreadyExists: self = .cannotCreate
    case .denied: self = .noPermission
    case .exhausted, .tooLarge, .crowded, .aborted: self = .temporary
    case .unavailable, .unimplemented: self = .unavailable
    case .internal: self = .software
    }
  }

  init(_ verdict: Verdict) {
    switch verdict {
    case .valid: self = .success
    case .malformed, .notFound, .wrongPermission, .revoked, .expired, .disabled, .rateLimited, .usageExceeded:
      self = .refused
    }
  }
}
