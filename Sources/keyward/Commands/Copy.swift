import ArgumentParser
import KeywardCore

struct Copy: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Makes a key like another, with a secret of its own, which is shown once.",
    discussion: """
      The copy has the key's permission, its expiry, and is on or off as the key is. Where standard output is no \
      terminal, the secret alone is written there, and the rest to standard error.
      """)

  @Argument(help: "The key to copy: its id or its exact name.", completion: .keys)
  var key: String

  @Option(help: "What to call the copy (default: the key's name with _1, _2 and so on).")
  var name: String?

  @OptionGroup var attempt: RequestIDOption
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let requestID = try attempt.requestID()
    var name: KeyName?
    if let given = self.name { name = try judged { () throws(DomainError) in try KeyName(given) } }
    return try SecretAnswer(remedy: "delete the key", times: Times()).perform(common, output) {
      [etag, name] (daemon) throws(CommandFailure) in
      ChangeRequest(
        .copy(try daemon.id(of: reference), CopyKey(name: name)), etag: etag.revision, requestID: requestID)
    }
  }
}
