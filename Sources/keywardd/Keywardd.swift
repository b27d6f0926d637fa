import ArgumentParser
import CommandSupport
import Glibc

@main
struct Keywardd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keywardd",
    abstract: "Holds the API keys of this host's chat and secure-mail services, and says which are good.",
    discussion: """
      What the command line says goes before the environment, and that before the configuration file.

      Exit status: 0 when told to stop; 64 wrong command line, 78 wrong configuration, as sysexits(3) has it.
      """,
    version: version)

  /// What argument-parser puts before a message.
  static let _errorPrefix = "keywardd: "

  @OptionGroup var options: DaemonOptions

  static func main() {
    do {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if let objection = objection(to: arguments) { throw ValidationError(objection) }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let error as ConfigurationError {
      writeToStandardError("keywardd: \(error)\n")
      Glibc.exit(EX_CONFIG)
    } catch let error as StartError {
      writeToStandardError("keywardd: \(error.message)\n")
      Glibc.exit(error.status)
    } catch {
      exit(withError: error)
    }
  }

  func run() throws {
    let environment = configurationEnvironment()
    let location = try ConfigurationFile.location(options: options, environment: environment)
    let file = try ConfigurationFile(path: location.path, isNamed: location.isNamed)
    try serve(Configuration(options: options, environment: environment, file: file))
  }
}
