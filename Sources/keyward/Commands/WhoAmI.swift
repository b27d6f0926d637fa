import ArgumentParser
import KeywardClient
import KeywardCore

struct WhoAmI: Verb {
  static let configuration = CommandConfiguration(
    commandName: "whoami", abstract: "Shows who you are to the daemon, and what you may do.")

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let daemon = try common.connect()
    let identity = try daemon.ask { (client) throws(ClientError) in try client.whoAmI() }
    switch common.output {
    case .json: try output.write(JSON(identity, revision: daemon.revision).text + "\n")
    case .table: try output.write(Self.card(identity).lines(Palette(isTerminal: output.isTerminal)))
    }
    return .success
  }

  static func card(_ identity: Identity) -> Card {
    let rights = identity.rights.names
    return Card([
      ("user", .init("\(identity.user) (\(identity.peer.uid))")),
      ("groups", .init(identity.peer.gids.map(String.init).joined(separator: " "))),
      ("process", .init(String(identity.peer.pid))),
      ("rights", .init(rights.isEmpty ? "none" : rights.joined(separator: " "))),
    ])
  }
}
