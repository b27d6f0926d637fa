import ArgumentParser
import KeywardCore

struct Create: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Makes a key and shows its secret, once.",
    discussion: """
      Where standard output is no terminal, the secret alone is written there, and the rest to standard error: \
      keyward create mailer --permission secure-mail > secret-file.
      """)

  @Argument(help: "What to call the key: 1 to \(KeyName.maxCount) characters.")
  var name: String

  @Option(help: "The one channel the key opens.")
  var permission: Permission

  @Option(
    help: ArgumentHelp(
      "When the key stops working (default: never).",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), a span from now (90d; also \
        s, m, h, w, mo for months, y), or never.
        """, valueName: "when"),
    transform: { (text) throws in try Expiry(text) })
  var expires: Expiry = .never

  @Flag(help: "Make the key switched off.")
  var disabled = false

  @OptionGroup var limits: LimitOptions
  @OptionGroup var attempt: RequestIDOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if attempt.requestId != nil, expires.isSpan {
      throw ValidationError(
        "--expires is a span, which ends at another instant each time it is given, and with --request-id the same key "
          + "must be asked for each time: give a date or an instant")
    }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let times = Times()
    let request = try request(now: times.now)
    return try SecretAnswer(remedy: "delete the key", times: times, warnsOfState: false).perform(common, output) { _ in
      request
    }
  }

  private func request(now: Instant) throws(CommandFailure) -> ChangeRequest {
    let name = try judged { () throws(DomainError) in try KeyName(self.name) }
    let expireTime = try expires.instant(now: now, of: "--expires", else: "give a later time, or never")
    return ChangeRequest(
      .create(
        CreateKey(
          name: name, permission: permission, enabled: !disabled, expireTime: expireTime,
          rateLimit: limits.rate?.limit, useLimit: limits.uses?.limit)),
      requestID: try attempt.requestID())
  }
}
