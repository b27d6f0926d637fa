import KeywardClient
import KeywardCore
import Testing

@testable import keyward

@Suite("ExitStatus")
struct ExitStatusTests {
  @Test("every refusal of the daemon has its number of sysexits(3)")
  func refusals() {
    let expected: [StatusCode: Int32] = [
      .ok: 76, .cancelled: 75, .unknown: 70, .invalidArgument: 65, .deadlineExceeded: 75, .notFound: 66,
      .alreadyExists: 73, .permissionDenied: 77, .resourceExhausted: 75, .failedPrecondition: 65, .aborted: 75,
      .outOfRange: 65, .unimplemented: 69, .internal: 70, .unavailable: 69, .dataLoss: 70, .unauthenticated: 77,
    ]
    for code in StatusCode.allCases {
      #expect(ExitStatus(ClientError.refused(code, "")).rawValue == expected[code], "\(code)")
    }
  }

  @Test func failuresToReachTheDaemon() {
    #expect(ExitStatus(ClientError.unreachable("")).rawValue == 69)
    #expect(ExitStatus(ClientError.forbidden("")).rawValue == 77)
    #expect(ExitStatus(ClientError.untrusted("")).rawValue == 77)
    #expect(ExitStatus(ClientError.timedOut("")).rawValue == 75)
    #expect(ExitStatus(ClientError.protocolViolation("")).rawValue == 76)
  }

  @Test("a rule that is judged on this side ends as it would on the other")
  func rules() {
    #expect(ExitStatus(DomainError.aborted("")) == ExitStatus(StatusCode.aborted))
    #expect(ExitStatus(DomainError.precondition("")) == ExitStatus(StatusCode.failedPrecondition))
    #expect(ExitStatus(DomainError.invalid(field: "", "")) == ExitStatus(StatusCode.invalidArgument))
  }

  @Test("validate ends with 0 only where the key is valid")
  func verdicts() {
    for verdict in Verdict.allCases { #expect(ExitStatus(verdict).rawValue == (verdict == .valid ? 0 : 1)) }
  }

  @Test("where no daemon answers the socket tried is named once, and how to name another")
  func unreachable() {
    let told = CommandFailure(.unreachable("no daemon answers"), socketPath: "/a/b").message
    #expect(told == "no daemon answers at /a/b (--socket or KEYWARD_SOCKET names another socket)")
    let named = CommandFailure(.unreachable("cannot connect to /a/b"), socketPath: "/a/b").message
    #expect(named.hasPrefix("cannot connect to /a/b (--socket"))
  }

  @Test("what the daemon says cannot steer the terminal")
  func printableMessages() {
    #expect(CommandFailure(.refused(.notFound, "no \u{1B}[2J"), socketPath: "/s").message == "no \\u{1B}[2J")
  }
}
