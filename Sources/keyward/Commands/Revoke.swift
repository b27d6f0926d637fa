import ArgumentParser
import KeywardCore

struct Revoke: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Revokes a key, now or at a later time.",
    discussion: "A revoked key stays revoked: what should come back is disabled instead.")

  @Argument(help: "The key: its id or its exact name.")
  var key: String

  @Option(
    help: ArgumentHelp(
      "When to revoke it (default: now).",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), or a span from now (90d; \
        also s, m, h, w, mo for months, y).
        """, valueName: "when"),
    transform: { (text) throws in try Expiry(text) })
  var at: Expiry?

  @Option(help: ArgumentHelp("Why, in at most \(RevokeReason.maxCount) characters.", valueName: "text"))
  var reason: String = ""

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if at == .never { throw ValidationError("--at never revokes nothing: give a time, or leave it out for now") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let time = try at?.instant(now: .now, of: "--at")
    let reason = try judged { () throws(DomainError) in try RevokeReason(self.reason) }
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(
      ChangeRequest(.revoke(id, Revocation(time: time, reason: reason)), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}
