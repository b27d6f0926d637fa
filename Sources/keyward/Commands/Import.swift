import ArgumentParser
import KeywardClient
import KeywardCore

extension ListFormat: ExpressibleByArgument {}

struct Import: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Takes keys over from another system, from CSV or JSON Lines.",
    discussion: """
      CSV begins with a header line of name, permission, secret or sha256 (64 hexadecimal digits), and if wanted \
      expires (a date, an instant or never), creator, disabled (true or false), rate and uses (as create takes them). \
      JSON Lines has on each line an object with name, permission, secret or sha256 (base64), expireTime, creator, \
      disabled, rateLimit, useLimit. What export writes besides is passed over, but for keys that are deleted, or \
      revoked now or later, which are refused.

      All keys of a list are imported, or none, however many they are: a list of more than \(ImportKeys.maxCount) keys \
      is sent in portions, checked by the daemon as they come, and made in one transaction at the end. Until that has \
      ended nothing is imported, whatever breaks it off. Other changes wait for it, half a minute for a million keys; \
      validations and lists do not. Errors name file, line and column, and repeat no value.
      """)

  @Argument(help: ArgumentHelp("The list; - for standard input.", valueName: "file"))
  var file: String

  @Option(help: "What the list is written in (default: as FILE's name or its beginning tells).")
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
    let attempt = try Attempt(of: list)
    let result: Result<Answer, SendingError>
    do throws(SendingError) {
      result = .success(try send(list, as: attempt, to: try connect(for: list)))
    } catch  where error.isUnanswered && !dryRun {
      // Whether the keys were made is not known. The same attempt again has them made once, and tells.
      result = again(list, attempt, after: error)
    } catch {
      result = .failure(error)
    }
    switch result {
    case .success(let answer): try print(answer.outcome, revision: answer.revision, to: output)
    case .failure(let error): throw explained(error, in: list)
    }
    return .success
  }

  private func list(of text: ImportText) throws(CommandFailure) -> ImportList {
    do throws(ImportError) {
      return try ImportList(text, as: format ?? ListFormat(path: file, of: text))
    } catch {
      throw CommandFailure(.badData, located(error))
    }
  }

  /// What no other command at work has.
  private struct Attempt {
    let requestID: RequestID
    /// nil for a list of one portion.
    let uploadID: UploadID?

    init(of list: ImportList) throws(CommandFailure) {
      let name = "import-" + [0, 1].map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
      requestID = try judged { () throws(DomainError) in try RequestID(name) }
      uploadID = list.portions.count > 1 ? try judged { () throws(DomainError) in try UploadID(name) } : nil
    }
  }

  private typealias Answer = (outcome: ImportOutcome, revision: Revision)

  /// Why a list could not be sent.
  private struct SendingError: Error {
    let failure: CommandFailure
    /// What the daemon said, and to which portion; nil where it was not reached.
    let cause: (error: ClientError, portion: Int, isLast: Bool)?

    /// Whether it befell the call that imports the keys, which may have done so.
    var isUnanswered: Bool {
      switch cause {
      case (.unreachable, _, true)?, (.timedOut, _, true)?: true
      default: false
      }
    }
  }

  private func connect(for list: ImportList) throws(SendingError) -> Daemon {
    do throws(CommandFailure) {
      return list.portions.count > 1
        ? try common.connect(timeoutMilliseconds: Self.uploadMilliseconds) : try common.connect()
    } catch {
      throw SendingError(failure: error, cause: nil)
    }
  }

  private func again(
    _ list: ImportList, _ attempt: Attempt, after error: SendingError
  ) -> Result<Answer, SendingError> {
    guard let daemon = try? connect(for: list) else { return .failure(error) }
    return Result { () throws(SendingError) in try send(list, as: attempt, to: daemon) }
  }

  /// Sends every portion, the last of which has all of them imported.
  private func send(
    _ list: ImportList, as attempt: Attempt, to daemon: Daemon
  ) throws(SendingError) -> Answer {
    var bar = ProgressBar(total: list.count)
    defer { bar.clear() }
    var options = ImportOptions(
      skipExisting: skipExisting, validateOnly: dryRun, requestID: dryRun ? nil : attempt.requestID)
    var outcome = ImportOutcome(importedCount: 0, skippedCount: 0, revision: 0)
    var sent = 0
    for (number, portion) in list.portions.enumerated() {
      let isLast = number == list.portions.count - 1
      bar.show(dryRun ? "checking" : isLast ? "importing" : "sending", isLast ? list.count : sent)
      do throws(CommandFailure) {
        options.portion = try attempt.uploadID.map { (id) throws(CommandFailure) in
          try judged { () throws(DomainError) in try ImportPortion(id, number: number, hasMore: !isLast) }
        }
      } catch {
        throw SendingError(failure: error, cause: nil)
      }
      do throws(ClientError) {
        outcome = try daemon.client.importKeys(portion.keys, options)
      } catch {
        throw SendingError(failure: daemon.failure(error), cause: (error, number, isLast))
      }
      sent += portion.keys.count
    }
    return (outcome, daemon.revision)
  }

  /// Says where in the list it is, and what has become of all of it.
  private func explained(_ error: SendingError, in list: ImportList) -> CommandFailure {
    guard let (cause, portion, isLast) = error.cause else { return error.failure }
    let message = list.error(error.failure.message, portion: portion).map { located($0) } ?? error.failure.message
    guard !dryRun else { return CommandFailure(error.failure.status, message) }
    return CommandFailure(error.failure.status, Self.consequence(of: cause, isLast: isLast, message))
  }

  /// What a failure leaves behind, after what it was.
  /// - Parameter isLast: whether it befell the call that imports the keys.
  static func consequence(of error: ClientError, isLast: Bool, _ message: String) -> String {
    switch error {
    case .unreachable, .timedOut, .protocolViolation, .refused(.unavailable, _), .refused(.deadlineExceeded, _):
      // Such an error says that a change may have been made, and of the calls only the last one makes any.
      isLast
        ? "\(message); all keys were imported, or none: where they were, the same command says that they are here already"
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
