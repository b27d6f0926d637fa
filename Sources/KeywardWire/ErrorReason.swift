import KeywardCore

/// Why a call failed, for a program: finer than its status code, and never renamed. proto/PROTOCOL.md lists them.
package enum ErrorReason: String, Sendable, CaseIterable {
  case requestMalformed = "REQUEST_MALFORMED"
  case fieldInvalid = "FIELD_INVALID"
  case tooLate = "TOO_LATE"
  case notFound = "NOT_FOUND"
  case alreadyExists = "ALREADY_EXISTS"
  case rightMissing = "RIGHT_MISSING"
  case tooLarge = "TOO_LARGE"
  case tooFarBehind = "TOO_FAR_BEHIND"
  case tooManyWaiting = "TOO_MANY_WAITING"
  case storeFull = "STORE_FULL"
  case keyStateForbids = "KEY_STATE_FORBIDS"
  case configurationMistaken = "CONFIGURATION_MISTAKEN"
  case changedMeanwhile = "CHANGED_MEANWHILE"
  case revisionOutOfRange = "REVISION_OUT_OF_RANGE"
  case methodUnknown = "METHOD_UNKNOWN"
  case messageCountWrong = "MESSAGE_COUNT_WRONG"
  case encodingUnknown = "ENCODING_UNKNOWN"
  case fault = "FAULT"
  case storeUnavailable = "STORE_UNAVAILABLE"
  case connectionEnding = "CONNECTION_ENDING"
  case other = "OTHER"

  /// Whose reasons these are.
  package static let domain = "keyward"

  /// What a status code means where nothing finer is said.
  init(of code: StatusCode) {
    self =
      switch code {
      case .invalidArgument: .requestMalformed
      case .deadlineExceeded: .tooLate
      case .notFound: .notFound
      case .alreadyExists: .alreadyExists
      case .permissionDenied: .rightMissing
      case .resourceExhausted: .tooLarge
      case .failedPrecondition: .keyStateForbids
      case .aborted: .changedMeanwhile
      case .outOfRange: .revisionOutOfRange
      case .unimplemented: .methodUnknown
      case .internal: .fault
      case .unavailable: .storeUnavailable
      case .ok, .cancelled, .unknown, .dataLoss, .unauthenticated: .other
      }
  }
}
