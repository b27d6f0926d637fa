import ArgumentParser
import KeywardCore

struct Revoke: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Revokes a key, now or at a later time, or with --all every key that the filters match.",
    discussion: """
      A revoked key stays revoked: what should come back is disabled instead. --all asks first, and needs --yes where \
      there is no terminal.
      """)

  @OptionGroup var targets: Targets

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
    try targets.check(etag)
    if at == .never { throw ValidationError("--at never revokes nothing: give a time, or leave it out for now") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let time = try at?.laterInstant(now: .now, of: "--at", else: "leave it out to revoke now")
    let reason = try judged { () throws(DomainError) in try RevokeReason(self.reason) }
    let revocation = Revocation(time: time, reason: reason)
    guard let key = targets.key else { return try group(revocation).perform(targets, common, output) }
    let reference = try KeyReference(key)
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.revoke(id, revocation), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }

  private func group(_ revocation: Revocation) -> GroupVerb {
    GroupVerb(action: .revoke(revocation), verb: "revoke", done: "revoked") { view in
      guard view.state != .revoked, let present = view.key.revokeTime, let time = revocation.time else {
        return view.state != .revoked
      }
      // What ends sooner by itself is left to.
      return time < present
    }
  }
}
