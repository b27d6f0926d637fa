import ArgumentParser
import KeywardClient
import KeywardCore

struct Show: Verb {
  static let configuration = CommandConfiguration(abstract: "Shows one key's details.")

  @Argument(help: "The key: its id or its exact name.")
  var key: String

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let view = try common.connect().ask { (client) throws(ClientError) in try reference.key(client) }
    switch common.output {
    case .json: try output.write(JSON.object([("key", JSON(view))]).text + "\n")
    case .table:
      try output.write(KeyOutput(times: Times()).card(view).lines(Palette(isTerminal: output.isTerminal)))
    }
    return .success
  }
}

/// The key that a person means: the one with that id, else the one with that name.
struct KeyReference {
  private let id: KeyID?
  /// Every id could be a name too.
  private let name: KeyName

  /// - Throws: ``CommandFailure`` for what can be neither.
  init(_ text: String) throws(CommandFailure) {
    id = KeyID(text)
    do throws(DomainError) {
      name = try KeyName(text)
    } catch {
      throw CommandFailure(error)
    }
  }

  func key(_ client: Client) throws(ClientError) -> KeyView {
    try key(byID: client.key(id:), byName: client.key(name:))
  }

  func key(
    byID: (KeyID) throws(ClientError) -> KeyView, byName: (KeyName) throws(ClientError) -> KeyView
  ) throws(ClientError) -> KeyView {
    guard let id else { return try byName(name) }
    do throws(ClientError) {
      return try byID(id)
    } catch .refused(.notFound, let message) {
      do throws(ClientError) {
        return try byName(name)
      } catch .refused(.notFound, _) {
        // What looks like an id was more likely meant as one.
        throw .refused(.notFound, message)
      }
    }
  }
}
