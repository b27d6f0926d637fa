import ArgumentParser
import KeywardClient
import KeywardCore

struct List: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Lists keys in the order of their creation.",
    discussion: "All of them; only one page where --page-size or --page-token is given without --all.")

  @Option(help: ArgumentHelp("How many keys to a page: 1 to \(ListQuery.maxPageSize).", valueName: "n"))
  var pageSize: Int?

  @Option(help: ArgumentHelp("The page to list: what the page before ended with.", valueName: "token"))
  var pageToken: String?

  @Flag(help: "List all pages.")
  var all = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let pageSize, !(1...ListQuery.maxPageSize).contains(pageSize) {
      throw ValidationError("--page-size \(pageSize) is not 1 to \(ListQuery.maxPageSize)")
    }
    if all, pageToken != nil { throw ValidationError("--all and --page-token contradict each other: give one of them") }
  }

  private var isOnePage: Bool { !all && (pageSize != nil || pageToken != nil) }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    var printer = Printer(form: common.output, isOnePage: isOnePage, output: output)
    var token = pageToken ?? ""
    let daemon = try common.connect()
    repeat {
      let query = try query(token)
      let page = try daemon.ask { (client) throws(ClientError) in try client.listKeys(query) }
      token = page.nextPageToken
      try printer.print(page, isLast: isOnePage || token.isEmpty)
    } while !isOnePage && !token.isEmpty && !output.readerIsGone
    return .success
  }

  private func query(_ token: String) throws(CommandFailure) -> ListQuery {
    do throws(DomainError) {
      return try ListQuery(
        pageSize: pageSize ?? (isOnePage ? ListQuery.defaultPageSize : ListQuery.maxPageSize), pageToken: token)
    } catch {
      throw CommandFailure(error)
    }
  }
}

extension List {
  /// Prints pages as they come.
  private struct Printer {
    private let form: OutputForm
    private let isOnePage: Bool
    private let output: StandardOutput
    private let keys = KeyOutput(times: Times())
    private var table: Table
    private var count = 0

    init(form: OutputForm, isOnePage: Bool, output: StandardOutput) {
      self.form = form
      self.isOnePage = isOnePage
      self.output = output
      table = Table(
        KeyOutput.columns, limit: output.width, palette: Palette(isTerminal: output.isTerminal))
    }

    mutating func print(_ page: KeyPage, isLast: Bool) throws(CommandFailure) {
      switch form {
      case .json: try printJSON(page, isLast: isLast)
      case .table:
        // Headings over nothing are for nobody.
        if count > 0 || !page.keys.isEmpty { try output.write(table.lines(page.keys.map(keys.row))) }
        count += page.keys.count
        if isLast { try printTotal(page) }
      }
      try output.flush()
    }

    /// One key to a line, and the line's brackets closed after the last page.
    private mutating func printJSON(_ page: KeyPage, isLast: Bool) throws(CommandFailure) {
      if count == 0 { try output.write("{\"keys\": [") }
      for view in page.keys {
        try output.write((count == 0 ? "\n  " : ",\n  ") + JSON(view).text)
        count += 1
      }
      guard isLast else { return }
      var end = (count == 0 ? "]" : "\n]")
      if isOnePage { end += ", \"nextPageToken\": " + JSON.string(page.nextPageToken).text }
      try output.write(end + ", \"totalSize\": " + JSON.int64(Int64(page.totalSize)).text + "}\n")
    }

    /// For a person: a program has no use for another line under the rows.
    private func printTotal(_ page: KeyPage) throws(CommandFailure) {
      guard output.isTerminal else { return }
      let total = "\(page.totalSize) key\(page.totalSize == 1 ? "" : "s")"
      let end = page.nextPageToken.isEmpty ? "" : "; the next page: --page-token \(page.nextPageToken.printable)"
      try output.write((count == page.totalSize ? total : "\(count) of \(total)") + end + "\n")
    }
  }
}
