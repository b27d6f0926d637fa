import ArgumentParser
import KeywardClient
import KeywardCore

struct Reload: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Has the daemon read its configuration anew.",
    discussion: """
      Rights, the window of soon-unavailable keys and the log's level are in force when this ends, for open connections \
      too. With a mistake in the file nothing changes, and the mistake is told with its line and column.
      """)

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let daemon = try common.connect()
    try daemon.ask { (client) throws(ClientError) in try client.reload() }
    switch common.output {
    case .json: try output.write(JSON.object([("revision", .int64(daemon.revision))]).text + "\n")
    case .table: try output.write("the configuration is in force\n")
    }
    return .success
  }
}
