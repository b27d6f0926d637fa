import ArgumentParser
import CommandSupport
import Glibc
import UnixSocket

@main
struct Keywardd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keywardd",
    abstract: "Holds the API keys of this host's chat and secure-mail services, and says which are good.",
    discussion: """
      What the command line says goes before the environment, and that before the configuration file.

      With --verify-audit it serves nothing, but walks along the audit of a database that no keywardd has open, and \
      exits 0 where it is as it was written and keys, secrets and the recorded clock are as it left them, 1 where not. It \
      cannot tell what is written without a row: last uses, reserved uses, which ends were recorded, request ids.

      Exit status: 0 when told to stop; 64 wrong command line, 78 wrong configuration, as sysexits(3) has it.
      """,
    version: version)

  /// What argument-parser puts before a message.
  static let _errorPrefix = "keywardd: "

  @OptionGroup var options: DaemonOptions

  @Flag(
    help: """
      Do not serve: say whether the database's audit is as it was written, and whether its keys and their secrets \
      follow from it.
      """)
  var verifyAudit = false

  static func main() {
    do {
      guard let arguments = argumentsInUTF8() else { throw ValidationError(argumentsNotUTF8) }
      if let objection = objection(to: arguments) { throw ValidationError(objection) }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let error as ConfigurationError {
      end("\(error)", EX_CONFIG)
    } catch let error as StartError {
      end(error.message, error.status)
    } catch {
      exit(withError: error)
    }
  }

  /// Says why nothing is served. The journal shall know it for an error (sd-daemon(3)).
  private static func end(_ message: String, _ status: Int32) -> Never {
    writeToStandardError((ServiceManager.logsToJournal ? "<3>" : "") + "keywardd: \(message)\n")
    Glibc.exit(status)
  }

  func run() throws {
    let environment = try configurationEnvironment()
    let configuration = try Configuration.read(options: options, environment: environment)
    if verifyAudit { Glibc.exit(try verifyAuditOffline(at: configuration.databasePath)) }
    // A file that was there and is gone is a mistake: without it, everybody would lose their rights.
    let hadFile = configuration.filePath != nil
    try serve(configuration) { [options] () throws(ConfigurationError) in
      try Configuration.read(options: options, environment: environment, mustHaveFile: hadFile)
    }
  }
}
