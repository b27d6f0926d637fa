import ArgumentParser
import KeywardCore

struct Limit: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Limits how often or how many times a key may be used.",
    discussion: """
      What is not given stays as it is. A total that is changed goes on from what has been used; one that gets another \
      refill, or is set where there was none, starts anew.
      """)

  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String

  @OptionGroup var limits: LimitOptions
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard limits.rate != nil || limits.uses != nil else {
      throw ValidationError("nothing to change: give --rate, --uses or both")
    }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let update = KeyUpdate(
      rateLimit: limits.rate.map { .init($0.limit) }, useLimit: limits.uses.map { .init($0.limit) })
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.update(id, update), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}
