import ArgumentParser
import KeywardCore

struct Expire: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Sets when a key stops working.",
    discussion: "A key that has expired lives again if the new time is later than now.")

  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String

  @Argument(
    help: ArgumentHelp(
      "When it stops working.",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), a span from now (90d; also \
        s, m, h, w, mo for months, y), or never.
        """),
    transform: { (text) throws in try Expiry(text) })
  var when: Expiry

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let time = try when.instant(now: .now, of: "the new time", else: "give a later one, or never")
    let expiry: KeyUpdate.Expiry = time.map { .at($0) } ?? .never
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.update(id, KeyUpdate(expiry: expiry)), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}
