import ArgumentParser

struct Show: Verb {
  static let configuration = CommandConfiguration(abstract: "Shows one key's details.")

  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let daemon = try common.connect()
    return try common.print(try daemon.key(reference), of: daemon, to: output)
  }
}
