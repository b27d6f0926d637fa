import ArgumentParser
import KeywardClient
import KeywardCore

extension ListFormat: ExpressibleByArgument {}

struct Import: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Takes keys over from another system, from CSV or JSON Lines.",
    discussion: """
      CSV begins with a header line of name, permission, secret or sha256 (64 hexadecimal digits), and if wanted \
      expires (a date, an instant or never), creator and disabled (true or false). JSON Lines has on each line an \
      object with name, permission, secret or sha256 (base64), expireTime, creator, disabled.

      Nothing is imported before the whole list was found right, by itself and by the daemon. Then keys are imported \
      in portions of up to \(ImportKeys.maxCount), each of them whole or not at all; a list that fits one portion is \
      all or nothing. If it is broken off between two portions, the same command within 24 hours goes on and imports \
      nothing twice; after that, --skip-existing does. Errors name file, line and column, and repeat no value.
      """)

  @Argument(help: ArgumentHelp("The list; - for standard input.", valueName: "file"))
  var file: String

  @Option(help: "What the list is written in (default: jsonl where FILE ends with .jsonl, else csv).")
  var format: ListFormat?

  @Flag(help: "Leave out keys whose name or secret is here already, instead of importing nothing.")
  var skipExisting = false

  @Flag(help: "Only check the list, by itself and by the daemon, and import nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if file.isEmpty { throw ValidationError("FILE is empty: give a file, or - for standard input") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let list = try list(of: try ImportText.read(file))
    let daemon = try common.connect()
    var bar = ProgressBar(total: list.count)
    defer { bar.clear() }
    var sum = try go(through: list, "checking", validateOnly: true, daemon, &bar)
    if !dryRun { sum = try go(through: list, "importing", validateOnly: false, daemon, &bar) }
    bar.clear()
    try print(sum, revision: daemon.revision, to: output)
    return .success
  }

  private func list(of text: ImportText) throws(CommandFailure) -> ImportList {
    do throws(ImportError) {
      return try ImportList(text, as: format ?? ListFormat(path: file))
    } catch {
      throw CommandFailure(.badData, located(error))
    }
  }

  private typealias Sum = (imported: Int, skipped: Int)

  /// Sends every portion.
  private func go(
    through list: ImportList, _ action: String, validateOnly: Bool, _ daemon: Daemon, _ bar: inout ProgressBar
  ) throws(CommandFailure) -> Sum {
    var sum: Sum = (0, 0)
    for (number, portion) in list.portions.enumerated() {
      bar.show(action, sum.imported + sum.skipped)
      let options = ImportOptions(
        skipExisting: skipExisting, validateOnly: validateOnly,
        requestID: list.requestID(of: number, skipExisting: skipExisting))
      do throws(ClientError) {
        let outcome = try daemon.client.importKeys(portion.keys, options)
        sum.imported += outcome.importedCount
        sum.skipped += outcome.skippedCount
      } catch {
        bar.clear()
        throw explained(daemon.failure(error), portion, after: validateOnly ? nil : sum, of: list.count)
      }
    }
    bar.show(action, list.count)
    return sum
  }

  /// Says where in the list it is, and what has become of the rest.
  private func explained(
    _ failure: CommandFailure, _ portion: ImportList.Portion, after sum: Sum?, of count: Int
  ) -> CommandFailure {
    let message = portion.error(failure.message).map { located($0) } ?? failure.message
    guard let sum else { return CommandFailure(failure.status, message) }
    return CommandFailure(
      failure.status,
      "\(message); \(sum.imported + sum.skipped) of \(count) keys are done: the same command within 24 hours goes on "
        + "from there")
  }

  private func located(_ error: ImportError) -> String {
    "\(file):\(error.place.line):\(error.place.column): \(error.message)"
  }

  private func print(_ sum: Sum, revision: Revision, to output: StandardOutput) throws(CommandFailure) {
    switch common.output {
    case .json:
      let answer = JSON.object([
        ("importedCount", .int64(Int64(sum.imported))), ("skippedCount", .int64(Int64(sum.skipped))),
        ("revision", .int64(revision)),
      ])
      try output.write(answer.text + "\n")
    case .table:
      let keys = sum.imported == 1 ? "1 key" : "\(sum.imported) keys"
      let skipped = skipExisting ? ", \(sum.skipped) skipped" : ""
      try output.write(dryRun ? "would import \(keys)\(skipped)\n" : "imported \(keys)\(skipped)\n")
    }
  }
}
