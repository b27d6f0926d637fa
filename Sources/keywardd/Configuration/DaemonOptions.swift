import ArgumentParser

/// The daemon's command line. What it says goes before the environment and the file.
struct DaemonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The configuration file (default: $KEYWARD_CONFIG, else \(ConfigurationFile.defaultPath), which need not exist).",
      valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "The socket to listen on (default: $KEYWARD_SOCKET, else \(Configuration.defaultSocketPath)).",
      valueName: "path"))
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "The database (default: $KEYWARD_DATABASE, else keyward.db in $STATE_DIRECTORY or \(Configuration.stateDirectory)).",
      valueName: "path"))
  var database: String?

  @Option(
    help: ArgumentHelp(
      "From which level on to log (default: $KEYWARD_LOG_LEVEL, else \(Configuration.defaultLogLevel)).",
      valueName: "level"))
  var logLevel: LogLevel?

  func validate() throws {
    for (option, value) in [("--config", config), ("--socket", socket), ("--database", database)]
    where value?.isEmpty == true {
      throw ValidationError("\(option) is empty: give a path")
    }
  }
}
