import ArgumentParser
import KeywardClient
import KeywardCore

struct Status: Verb {
  static let configuration = CommandConfiguration(abstract: "Shows how the daemon is.")

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let status = try common.connect().ask { (client) throws(ClientError) in try client.status() }
    switch common.output {
    case .json: try output.write(JSON(status).text + "\n")
    case .table: try output.write(Self.card(status, Times()).lines(Palette(isTerminal: output.isTerminal)))
    }
    return .success
  }

  static func card(_ status: ServiceStatus, _ times: Times) -> Card {
    Card([
      ("version", .init(status.version)), ("process", .init(String(status.pid))),
      ("started", .init(times.full(status.startTime))), ("clock", .init(times.full(status.currentTime))),
      ("revision", .init(String(status.revision))), ("keys", .init(String(status.keyCount))),
      ("connections", .init(String(status.connectionCount))),
      ("audit hash", .init(status.auditHead.hashText)),
      ("calls", .init("\(status.callCount), of which \(status.refusedCallCount) refused for lack of a right")),
    ])
  }
}
