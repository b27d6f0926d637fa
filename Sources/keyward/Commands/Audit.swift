import ArgumentParser
import KeywardClient
import KeywardCore

struct Audit: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Shows who changed what and when, the latest change first.",
    discussion: """
      A time is a date (2027-01-31, local time), an instant (2027-01-31T17:00:00+01:00), or a span ago (7d; also s, m, \
      h, w, mo for months, y). All changes are shown that the filters match, however many, unless --limit is given.

      What time has done (expired, revoked later, soon-unavailable, purged) is by the user (sweeper).

      --verify compares each row with the hash in it and the one before, each key and its secrets with what the rows \
      say, and the store's latest instant with theirs. It cannot tell what is written without a row: last uses, how \
      many uses of a total are reserved, which ends were recorded already, and request ids.
      """)

  @Option(
    help: "Only of this key: its id, its exact name, or the name that it had when it was deleted.", completion: .keys)
  var key: String?

  @Option(help: ArgumentHelp("Only what this user did.", valueName: "name"))
  var user: String?

  @Option(help: "Only this kind of change; may be given more than once.")
  var type: [ChangeType] = []

  @Option(
    help: ArgumentHelp("Only from this time on; a date's beginning.", valueName: "when"),
    transform: { (text) throws in try PastTime(text) })
  var since: PastTime?

  @Option(
    help: ArgumentHelp("Only before this time; a date's end.", valueName: "when"),
    transform: { (text) throws in try PastTime(text) })
  var until: PastTime?

  @Option(help: ArgumentHelp("Only the newest so many.", valueName: "count"))
  var limit: Int?

  @Flag(help: "Show no changes, but say whether the audit is as it was written: exits 0 if so, 1 if not.")
  var verify = false

  @OptionGroup var common: CommonOptions

  /// So many that a page fits a reply however long the names in it are.
  private static let pageSize = 500

  func validate() throws {
    if user?.isEmpty == true { throw ValidationError("--user is empty: give a user's name") }
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit): give 1 or more, or leave it out for all") }
    let hasFilter = key != nil || user != nil || !type.isEmpty || since != nil || until != nil || limit != nil
    if verify, hasFilter { throw ValidationError("--verify is of the whole audit: give it alone") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    if verify { return try verifyAll(output) }
    let times = Times()
    var reference: KeyReference?
    if let key { reference = try KeyReference(key) }
    let (start, end) = try bounds(now: times.now)
    let daemon = try common.connect()
    // A key that is gone for good still has its past, so an id is not looked up.
    var id = reference?.id
    if id == nil, let reference { id = try daemon.pastID(of: reference) }
    let events = AuditQuery(keyID: id, user: user, types: Set(type), start: start, end: end)
    var printer = Printer(form: common.output, output: output, times: times)
    var token = ""
    var left = limit ?? .max
    repeat {
      let query = try judged { () throws(DomainError) in
        try AuditPageQuery(events, pageSize: min(Self.pageSize, left), pageToken: token)
      }
      let page = try daemon.ask { (client) throws(ClientError) in try client.listAuditEvents(query) }
      left -= page.events.count
      token = left > 0 ? page.nextPageToken : ""
      try printer.print(page, isLast: token.isEmpty, revision: daemon.revision)
    } while !token.isEmpty && !output.readerIsGone
    return .success
  }

  /// Long enough for a billion rows.
  private static let verifyMilliseconds = 6 * 3_600_000

  private func verifyAll(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let daemon = try common.connect(timeoutMilliseconds: Self.verifyMilliseconds)
    let summary = try daemon.ask { (client) throws(ClientError) in try client.verifyAudit() }
    switch common.output {
    case .json: try output.write(JSON(summary, revision: daemon.revision).text + "\n")
    case .table: for line in summary.findings + [summary.conclusion] { try output.write(line + "\n") }
    }
    return summary.isSound ? .success : .refused
  }

  private func bounds(now: Instant) throws(CommandFailure) -> (Instant?, Instant?) {
    let start = try bound("--since") { () throws(ExpiryError) in try since?.start(now: now) }
    let end = try bound("--until") { () throws(ExpiryError) in try until?.end(now: now) }
    if let start, let end, end <= start { throw CommandFailure(.badData, "--until is not later than --since") }
    return (start, end)
  }

  private func bound(
    _ option: String, _ instant: () throws(ExpiryError) -> Instant?
  ) throws(CommandFailure) -> Instant? {
    do throws(ExpiryError) {
      return try instant()
    } catch {
      throw CommandFailure(.badData, "\(option) \(error)")
    }
  }
}

extension Daemon {
  /// The id of the key that has the name, else of the one deleted key that had it.
  fileprivate func pastID(of reference: KeyReference) throws(CommandFailure) -> KeyID {
    do throws(CommandFailure) {
      return try id(of: reference)
    } catch  where error.status == .noInput {
      // Whoever may look keys up need not be let list them.
      let deleted = try? deletedKeys(named: reference.name)
      guard let deleted, !deleted.isEmpty else { throw error }
      return try Undelete.only(deleted, of: reference.name)
    }
  }
}

extension Audit {
  /// Prints pages as they come.
  private struct Printer {
    private let form: OutputForm
    private let output: StandardOutput
    private let events: AuditOutput
    private var table: Table
    private var count = 0

    init(form: OutputForm, output: StandardOutput, times: Times) {
      self.form = form
      self.output = output
      events = AuditOutput(times: times)
      table = Table(
        AuditOutput.columns, limit: output.width, palette: Palette(isTerminal: output.isTerminal))
    }

    mutating func print(_ page: AuditPage, isLast: Bool, revision: Revision) throws(CommandFailure) {
      switch form {
      case .json: try printJSON(page, isLast: isLast, revision)
      case .table:
        // Headings over nothing are for nobody.
        if count > 0 || !page.events.isEmpty { try output.write(table.lines(page.events.map(events.row))) }
        count += page.events.count
        // For a person: a program has no use for another line under the rows.
        if isLast, output.isTerminal {
          let total = page.totalSize > count ? " of \(page.totalSize)" : ""
          try output.write("\(count)\(total) change\(max(count, page.totalSize) == 1 ? "" : "s")\n")
        }
      }
      try output.flush()
    }

    /// One event to a line, and the line's brackets closed after the last page.
    private mutating func printJSON(_ page: AuditPage, isLast: Bool, _ revision: Revision) throws(CommandFailure) {
      if count == 0 { try output.write("{\"events\": [") }
      for event in page.events {
        try output.write((count == 0 ? "\n  " : ",\n  ") + JSON(event).text)
        count += 1
      }
      guard isLast else { return }
      let total = JSON.int64(Int64(page.totalSize)).text
      let end = count == 0 ? "]" : "\n]"
      try output.write("\(end), \"totalSize\": \(total), \"revision\": \(JSON.int64(revision).text)}\n")
    }
  }
}
