import ArgumentParser
import CommandSupport
import Glibc

@main
struct Keyward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Manages the API keys of this host's chat and secure-mail services.",
    discussion: """
      keyward asks keywardd, the daemon that holds the keys, over a Unix domain socket.

      Exit status: 0; 1 where validate refuses, audit --verify finds something wrong, and a question is answered no; else as sysexits(3) has it: 64 wrong command line, 65 wrong data, \
      66 no such key or file, 69 no daemon, 73 the name is taken, 74 input or output failed, 75 try again, \
      76 the daemon makes no sense, 77 not allowed.
      """,
    version: version,
    subcommands: [
      Create.self, List.self, Show.self, Rename.self, Enable.self, Disable.self, Expire.self, Limit.self, Revoke.self,
      Delete.self, Undelete.self, Copy.self, Rotate.self, Validate.self, Import.self, Export.self, Watch.self,
      Audit.self,
      WhoAmI.self, Status.self, Reload.self,
    ])

  /// What argument-parser puts before a message.
  static let _errorPrefix = "keyward: "

  static func main() {
    prepareProcess()
    guard let arguments = argumentsInUTF8() else {
      writeToStandardError("keyward: \(argumentsNotUTF8)\n")
      Glibc.exit(ExitStatus.usage.rawValue)
    }
    Glibc.exit(execute(arguments, StandardOutput()).rawValue)
  }

  private static func execute(_ arguments: [String], _ output: StandardOutput) -> ExitStatus {
    do {
      do {
        if let request = ValidationRequest(plain: arguments) {
          let status = try request.perform(output)
          try output.flush()
          return status
        }
        // What a completion script asks with is a command line that is being written.
        let isCompleting = arguments.first == "---completion"
        let objection =
          isCompleting
          ? nil
          : objection(to: arguments, repeatable: repeatable(in: arguments)) { Validate.repeated($0, of: arguments) }
        if let objection = objection ?? mistypedVerb(in: arguments) { throw ValidationError(objection) }
        var command = try parseAsRoot(arguments)
        guard let verb = command as? any Verb else {
          try command.run()
          return .success
        }
        let status = try verb.perform(output)
        try output.flush()
        return status
      } catch let failure as CommandFailure {
        throw failure
      } catch {
        return try end(error, arguments, output)
      }
    } catch let failure as CommandFailure {
      // What was printed before it went wrong comes first.
      try? output.flush()
      writeToStandardError("keyward: \(Validate.masked(failure.message, of: arguments))\n")
      return failure.status
    } catch {
      writeToStandardError("keyward: \(error)\n")
      return .software
    }
  }

  /// Options of which every value counts, with the verb that comes first.
  static func repeatable(in arguments: [String]) -> Set<String> {
    let verb = arguments.first
    return verb == Create._commandName || verb == Validate._commandName ? ["--type"] : ["--type", "--permission"]
  }

  /// Ends for argument-parser: help and the version that were asked for, or what is wrong with the command line.
  private static func end(_ error: any Error, _ arguments: [String], _ output: StandardOutput) throws -> ExitStatus {
    let text = fullMessage(for: error, columns: output.width)
    guard exitCode(for: error) == .success else {
      writeToStandardError((Validate.isRiskyToEcho(text, of: arguments) ? Validate.harmlessUsage : text) + "\n")
      return .usage
    }
    try output.write(text + "\n")
    try output.flush()
    return .success
  }

  /// What to say of a first word that is no verb, which argument-parser would only call unexpected.
  static func mistypedVerb(in arguments: [String]) -> String? {
    let isHelp = arguments.first == "help"
    guard let word = arguments.dropFirst(isHelp ? 1 : 0).first, !word.hasPrefix("-") else { return nil }
    if word == "unrevoke" {
      return "revoking is final, so there is no unrevoke: copy the key, or create another; what is to come back is "
        + "disabled instead"
    }
    let verbs = configuration.subcommands.map { $0._commandName } + ["help"]
    guard !verbs.contains(word) else { return nil }
    let near = nearest(to: word, among: verbs)
    let advice = near.isEmpty ? "keyward --help lists them" : "did you mean \(near.joined(separator: " or "))?"
    return "\"\(word.printable.cut(toColumns: 64))\" is no verb: \(advice)"
  }

  private static func prepareProcess() {
    // A reader of standard output that has gone is an error of write(2), not the end.
    signal(SIGPIPE, SIG_IGN)
    // Where a standard descriptor is closed, the socket would get its number, and answers be printed to the daemon.
    // Opened the wrong way round, they fail when they are used, as closed ones would.
    for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDWR)]
    where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", flags)
    }
  }
}
