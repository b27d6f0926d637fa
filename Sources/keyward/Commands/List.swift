import ArgumentParser
import KeywardClient
import KeywardCore

struct List: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Lists keys, or finds some of them.",
    discussion: "All pages; only one page where --page-size or --page-token is given without --all.")

  @Option(help: ArgumentHelp("How many keys to a page: 1 to \(ListQuery.maxPageSize).", valueName: "n"))
  var pageSize: Int?

  @Option(help: ArgumentHelp("The page to list: what the page before ended with.", valueName: "token"))
  var pageToken: String?

  @Flag(help: "List all pages.")
  var all = false

  @OptionGroup var filter: FilterOptions

  @Flag(help: "Deleted keys too.")
  var deleted = false

  @Option(help: ArgumentHelp("What to put them in order by; :desc turns it round.", valueName: "field"))
  var order = OrderArgument(ListOrder())

  @Option(
    help: ArgumentHelp(
      "Judge the keys as they will be at that time if nobody changes them.",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), or a span from now (90d; \
        also s, m, h, w, mo for months, y).
        """, valueName: "when"),
    transform: { (text) throws in try Expiry(text) })
  var asOf: Expiry?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let pageSize, !(1...ListQuery.maxPageSize).contains(pageSize) {
      throw ValidationError("--page-size \(pageSize) is not 1 to \(ListQuery.maxPageSize)")
    }
    if all, pageToken != nil { throw ValidationError("--all and --page-token contradict each other: give one of them") }
    if asOf == .never { throw ValidationError("--as-of never comes: give a time") }
  }

  private var isOnePage: Bool { !all && (pageSize != nil || pageToken != nil) }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let times = Times()
    let asOf = try asOf?.laterInstant(now: times.now, of: "--as-of", else: "only later times can be asked about")
    var printer = Printer(form: common.output, isOnePage: isOnePage, output: output, times: times, asOf: asOf)
    var token = pageToken ?? ""
    let daemon = try common.connect()
    repeat {
      let query = try filter.listQuery(
        showDeleted: deleted, order: order.order, asOf: asOf,
        pageSize: pageSize ?? (isOnePage ? ListQuery.defaultPageSize : ListQuery.maxPageSize), pageToken: token)
      let page = try daemon.ask { (client) throws(ClientError) in try client.listKeys(query) }
      token = page.nextPageToken
      try printer.print(page, isLast: isOnePage || token.isEmpty, daemon.revision)
    } while !isOnePage && !token.isEmpty && !output.readerIsGone
    return .success
  }
}

extension List {
  /// Prints pages as they come.
  private struct Printer {
    private let form: OutputForm
    private let isOnePage: Bool
    private let output: StandardOutput
    private let keys: KeyOutput
    private let asOf: Instant?
    private var table: Table
    private var count = 0

    init(form: OutputForm, isOnePage: Bool, output: StandardOutput, times: Times, asOf: Instant?) {
      keys = KeyOutput(times: times)
      self.asOf = asOf
      self.form = form
      self.isOnePage = isOnePage
      self.output = output
      table = Table(
        KeyOutput.columns, limit: output.width, palette: Palette(isTerminal: output.isTerminal))
    }

    mutating func print(_ page: KeyPage, isLast: Bool, _ revision: Revision) throws(CommandFailure) {
      switch form {
      case .json: try printJSON(page, isLast: isLast, revision)
      case .table:
        // Headings over nothing are for nobody.
        if count > 0 || !page.keys.isEmpty { try output.write(table.lines(page.keys.map(keys.row))) }
        count += page.keys.count
        if isLast { try printTotal(page) }
      }
      try output.flush()
    }

    /// One key to a line, and the line's brackets closed after the last page.
    private mutating func printJSON(_ page: KeyPage, isLast: Bool, _ revision: Revision) throws(CommandFailure) {
      if count == 0 { try output.write("{\"keys\": [") }
      for view in page.keys {
        try output.write((count == 0 ? "\n  " : ",\n  ") + JSON(view).text)
        count += 1
      }
      guard isLast else { return }
      var end = (count == 0 ? "]" : "\n]")
      if isOnePage { end += ", \"nextPageToken\": " + JSON.string(page.nextPageToken).text }
      end += ", \"totalSize\": " + JSON.int64(Int64(page.totalSize)).text
      try output.write(end + ", \"revision\": " + JSON.int64(revision).text + "}\n")
    }

    /// For a person: a program has no use for another line under the rows.
    private func printTotal(_ page: KeyPage) throws(CommandFailure) {
      guard output.isTerminal else { return }
      let total = "\(page.totalSize) key\(page.totalSize == 1 ? "" : "s")"
      let instant = asOf.map { " as of \(keys.times.full($0))" } ?? ""
      let end =
        page.nextPageToken.isEmpty ? "" : "; the next page: the same with --page-token \(page.nextPageToken.printable)"
      try output.write((count == page.totalSize ? total : "\(count) of \(total)") + instant + end + "\n")
    }
  }
}
