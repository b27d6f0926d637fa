import KeywardCore
import KeywardWire

extension CallError {
  static let noMessage = CallError(
    .unimplemented, "the request has no message: send one", reason: .messageCountWrong)
  static let moreThanOneMessage = CallError(
    .unimplemented, "the request has more than one message: send one", reason: .messageCountWrong)
  static let truncated = CallError(
    .invalidArgument, "the request ends in the middle of a message: send as many bytes as its length says")
  static let compressedWithoutEncoding = CallError(
    .internal, "the message is marked as compressed, and grpc-encoding does not say how",
    reason: .requestMalformed)
  static let notGzip = CallError(
    .internal, "the message is marked as compressed, and is not one whole gzip", reason: .requestMalformed)
  static let tooLongWithoutRights = CallError(
    .permissionDenied, "a request this long needs a right, and this user has been granted none")

  static let repliesNotTaken = CallError.tooManyWaiting(
    "too many answers wait to be taken: take them before you ask for more")
  static let ending = CallError(
    .unavailable, "the daemon ends this connection: connect anew", reason: .connectionEnding, retrySeconds: 1)

  static func flagUnknown(_ flag: UInt8) -> CallError {
    CallError(.invalidArgument, "the message begins with \(flag): 0 is a plain one, 1 a compressed one")
  }

  static func messageTooLong(_ limit: Int) -> CallError {
    CallError(.resourceExhausted, "the message is longer than \(limit) bytes: send less at once")
  }

  static func unknown(path: String) -> CallError {
    CallError(.unimplemented, "\(path) is not a method of this daemon")
  }
}
