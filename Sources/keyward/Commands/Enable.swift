import ArgumentParser
import KeywardCore

struct Enable: Verb {
  static let configuration = CommandConfiguration(abstract: "Switches a key on.")

  @Argument(help: "The key: its id or its exact name.")
  var key: String

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.update(id, KeyUpdate(enabled: true)), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}

struct Disable: Verb {
  static let configuration = CommandConfiguration(abstract: "Switches a key off, until it is enabled again.")

  @Argument(help: "The key: its id or its exact name.")
  var key: String

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.update(id, KeyUpdate(enabled: false)), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}
