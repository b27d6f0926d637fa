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

      All keys of a list are imported, or none, however many they are: a list of more than \(ImportKeys.maxCount) keys \
      is sent in portions, checked by the daemon as they come, and made in one transaction at the end. Until that has \
      ended nothing is imported, whatever breaks it off. Other changes wait for it, half a minute for a million keys; \
      validations and lists do not. The same command within 24 hours imports nothing twice. Errors name file, line and \
      column, and repeat no value.
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

  /// For the call that makes all keys of a long list, in milliseconds.
  private static let uploadMilliseconds = 600_000

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let list = try list(of: try ImportText.read(file))
    let isUpload = list.portions.count > 1
    let daemon =
      isUpload ? try common.connect(timeoutMilliseconds: Self.uploadMilliseconds) : try common.connect()
    let outcome = try send(list, in: isUpload ? Self.newUploadID() : nil, to: daemon)
    try print(outcome, revision: daemon.revision, to: output)
    return .success
  }

  private func list(of text: ImportText) throws(CommandFailure) -> ImportList {
    do throws(ImportError) {
      return try ImportList(text, as: format ?? ListFormat(path: file))
    } catch {
      throw CommandFailure(.badData, located(error))
    }
  }

  /// One that no other command at work has.
  private static func newUploadID() throws(CommandFailure) -> UploadID {
    try judged { () throws(DomainError) in
      try UploadID("import-" + String(UInt64.random(in: 0 ... .max), radix: 16))
    }
  }

  /// Sends every portion, the last of which has all of them imported.
  /// - Parameter uploadID: nil for a list of one portion.
  private func send(
    _ list: ImportList, in uploadID: UploadID?, to daemon: Daemon
  ) throws(CommandFailure) -> ImportOutcome {
    var bar = ProgressBar(total: list.count)
    defer { bar.clear() }
    var options = ImportOptions(
      skipExisting: skipExisting, validateOnly: dryRun, requestID: list.requestID(skipExisting: skipExisting))
    var outcome = ImportOutcome(importedCount: 0, skippedCount: 0, revision: 0)
    var sent = 0
    for (number, portion) in list.portions.enumerated() {
      let isLast = number == list.portions.count - 1
      bar.show(dryRun ? "checking" : isLast ? "importing" : "sending", isLast ? list.count : sent)
      options.portion = try uploadID.map { (id) throws(CommandFailure) in
        try judged { () throws(DomainError) in try ImportPortion(id, number: number, hasMore: !isLast) }
      }
      do throws(ClientError) {
        outcome = try daemon.client.importKeys(portion.keys, options)
      } catch {
        bar.clear()
        throw explained(error, by: daemon, at: number, of: list)
      }
      sent += portion.keys.count
    }
    return outcome
  }

  /// Says where in the list it is, and what has become of all of it.
  private func explained(
    _ error: ClientError, by daemon: Daemon, at portion: Int, of list: ImportList
  ) -> CommandFailure {
    let failure = daemon.failure(error)
    let message = list.error(failure.message, portion: portion).map { located($0) } ?? failure.message
    guard !dryRun else { return CommandFailure(failure.status, message) }
    let isLast = portion == list.portions.count - 1
    return CommandFailure(failure.status, Self.consequence(of: error, isLast: isLast, message))
  }

  /// What a failure leaves behind, after what it was.
  /// - Parameter isLast: whether it befell the call that imports the keys.
  static func consequence(of error: ClientError, isLast: Bool, _ message: String) -> String {
    switch error {
    case .unreachable, .timedOut, .protocolViolation, .refused(.unavailable, _), .refused(.deadlineExceeded, _):
      // Such an error says that a change may have been made, and of the calls only the last one makes any.
      isLast
        ? "\(message); all keys were imported, or none: the same command within 24 hours imports nothing twice"
        : "the daemon stopped answering before it had the whole list; nothing was imported"
    case .refused, .forbidden, .untrusted: "\(message); nothing was imported"
    }
  }

  private func located(_ error: ImportError) -> String {
    "\(file):\(error.place.line):\(error.place.column): \(error.message)"
  }

  private func print(_ outcome: ImportOutcome, revision: Revision, to output: StandardOutput) throws(CommandFailure) {
    switch common.output {
    case .json:
      let answer = JSON.object([
        ("importedCount", .int64(Int64(outcome.importedCount))), ("skippedCount", .int64(Int64(outcome.skippedCount))),
        ("revision", .int64(revision)),
      ])
      try output.write(answer.text + "\n")
    case .table:
      let keys = outcome.importedCount == 1 ? "1 key" : "\(outcome.importedCount) keys"
      let skipped = skipExisting ? ", \(outcome.skippedCount) skipped" : ""
      try output.write(dryRun ? "would import \(keys)\(skipped)\n" : "imported \(keys)\(skipped)\n")
    }
  }
}
