import CommandSupport
import KeywardClient
import KeywardCore

/// Why a verb came to nothing: what to tell the person, and how to end.
///
/// The message says what would be right, never holds a secret, and is fit for a terminal whatever the daemon put into
/// it.
struct CommandFailure: Error {
  let status: ExitStatus
  let message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message.printable
  }

  init(_ error: DomainError) {
    self.init(ExitStatus(error), error.message)
  }

  /// - Parameter socketPath: the socket that was tried.
  init(_ error: ClientError, socketPath: String) {
    let message: String
    switch error {
    case .unreachable(let text):
      let place = text.contains(socketPath) ? "" : " at \(socketPath)"
      message = "\(text)\(place) (--socket or KEYWARD_SOCKET names another socket)"
    case .forbidden(let text), .untrusted(let text), .timedOut(let text), .protocolViolation(let text),
      .refused(_, let text):
      message = text
    }
    self.init(ExitStatus(error), message)
  }

  /// A call of the system that failed, by its errno.
  init(_ status: ExitStatus, _ action: String, errno code: Int32) {
    self.init(status, "\(action): \(words(forErrno: code))")
  }
}
