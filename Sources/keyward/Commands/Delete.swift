import ArgumentParser
import CommandSupport
import KeywardClient
import KeywardCore

struct Delete: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Deletes a key, which undelete brings back for 30 days.",
    discussion: "Asks first; where there is no terminal to ask at, --yes is needed.")

  @Argument(help: "The key: its id or its exact name.")
  var key: String

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    guard yes || Confirmation.isPossible else {
      throw CommandFailure(.usage, "there is no terminal to ask at: give --yes to delete without being asked")
    }
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    var expected = etag.revision
    if !yes {
      // What is deleted is the key as it was when the answer was given.
      let view = try? daemon.client.key(id: id)
      expected = expected ?? view?.key.revision
      let name = view.map { "the key \"\($0.key.name.text)\" (\(id))" } ?? "the key \(id)"
      guard Confirmation.ask("Delete \(name)?") else {
        writeToStandardError("keyward: nothing was deleted\n")
        return .refused
      }
    }
    let view = try daemon.change(ChangeRequest(.delete(id), etag: expected))
    return try common.print(view, of: daemon, to: output)
  }
}
