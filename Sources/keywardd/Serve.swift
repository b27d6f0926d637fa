/// Serves until told to stop.
func serve(_ configuration: Configuration) throws {
  let sources = configuration.sources
  print("socket \(configuration.socketPath) (\(sources.socketPath))")
  print("database \(configuration.databasePath) (\(sources.databasePath))")
  print("log level \(configuration.logLevel.rawValue) (\(sources.logLevel))")
}
