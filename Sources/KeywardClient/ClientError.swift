public import KeywardCore

/// Why a call to the daemon came to nothing.
public enum ClientError: Error, Sendable {
  /// No daemon answers at the socket.
  case unreachable(String)
  /// The caller may not open the socket.
  case forbidden(String)
  /// The socket belongs to somebody who is not trusted to be the daemon.
  case untrusted(String)
  /// The daemon did not answer in time; a change may or may not have been made.
  case timedOut(String)
  /// What came back is not what the protocol says.
  case protocolViolation(String)
  /// The daemon refused the call.
  case refused(StatusCode, String)

  public var message: String {
    switch self {
    case .unreachable(let text), .forbidden(let text), .untrusted(let text), .timedOut(let text),
      .protocolViolation(let text),
      .refused(_, let text):
      text
    }
  }
}
