import ArgumentParser
import CommandSupport
import KeywardClient
import KeywardCore

struct Delete: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Deletes a key, or with --all every key that the filters match; undelete brings it back for 30 days.",
    discussion: "Asks first; where there is no terminal to ask at, --yes is needed.")

  @OptionGroup var targets: Targets
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws { try targets.check(etag) }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    guard let key = targets.key else {
      return try GroupVerb(action: .delete, verb: "delete", done: "deleted") { _ in true }
        .perform(targets, common, output)
    }
    let reference = try KeyReference(key)
    guard targets.yes || Confirmation.isPossible else {
      throw CommandFailure(.usage, "there is no terminal to ask at: give --yes to delete without being asked")
    }
    let daemon = try common.connect()
    let id = try daemon.id(of: reference)
    var expected = etag.revision
    if !targets.yes {
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
