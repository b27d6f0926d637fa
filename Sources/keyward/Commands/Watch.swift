import ArgumentParser
import CommandSupport
import KeywardClient
import KeywardCore

struct Watch: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Shows changes as they are made, until Ctrl-C.",
    discussion: """
      Every kind of change is shown, also what time does: expired, revoked at its instant, soon-unavailable, purged. \
      audit shows who made them.

      --output json prints an object a line. One of CHANGE_TYPE_UNSPECIFIED, with a revision and no key, says that all \
      up to there has been shown, and that what follows is shown as it is made.

      When the daemon stops, or changes come faster than they are read, the error tells the revision to go on from.
      """)

  @Option(
    help: ArgumentHelp(
      "Show first all that has changed since this revision; as far as the audit reaches.", valueName: "revision"))
  var from: Int64?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let from, from < 1 {
      throw ValidationError(
        "--from is \(from): give a revision, 1 or later, or leave it out for what comes from now on")
    }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let socketPath = CommonOptions.socketPath(common.socket)
    func ask<Answer>(_ body: () throws(ClientError) -> Answer) throws(CommandFailure) -> Answer {
      do throws(ClientError) {
        return try body()
      } catch {
        throw CommandFailure(error, socketPath: socketPath)
      }
    }
    // Whoever ends it has seen enough: that is no failure.
    let ends = try EndSignals()
    let watch = try ask { () throws(ClientError) in
      try KeyWatch(Client.Options(socketPath: socketPath), after: from ?? 0)
    }
    var printer = WatchOutput(form: common.output, output: output, times: Times())
    while !output.readerIsGone,
      let event = try ask({ () throws(ClientError) in try watch.next(or: ends.descriptor) })
    {
      try printer.print(event)
      if !watch.hasPending { try output.flush() }
    }
    return .success
  }
}
