import ArgumentParser
import KeywardCore

struct Rename: Verb {
  static let configuration = CommandConfiguration(abstract: "Gives a key another name.")

  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String

  @Argument(help: "What to call it: 1 to \(KeyName.maxCount) characters.")
  var name: String

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let name = try judged { () throws(DomainError) in try KeyName(self.name) }
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    let view = try daemon.change(ChangeRequest(.update(id, KeyUpdate(name: name)), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}
