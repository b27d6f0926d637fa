import ArgumentParser
import KeywardClient
import KeywardCore

struct Export: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Writes every key to standard output, but no secret and nothing that leads to one.",
    discussion: """
      CSV (RFC 4180) with a header line, or on each line the key as JSON, with times in UTC. keyward itself does not \
      know the secrets, so the list can be imported again only with the secrets added; the backup is a copy of the \
      database. Values are written exactly, those too that a spreadsheet would take for a formula.
      """)

  @Option(help: "What to write (default: csv; jsonl with --output json).")
  var format: ListFormat?

  @Flag(help: "Write deleted keys too.")
  var deleted = false

  @OptionGroup var common: CommonOptions

  /// So many that a page fits a reply however long the names in it are.
  private static let pageSize = 500

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let format = format ?? (common.output == .json ? .jsonl : .csv)
    let daemon = try common.connect()
    var token = ""
    var isFirst = true
    repeat {
      let query = try judged { () throws(DomainError) in
        try ListQuery(showDeleted: deleted, pageSize: Self.pageSize, pageToken: token)
      }
      let page = try daemon.ask { (client) throws(ClientError) in try client.listKeys(query) }
      token = page.nextPageToken
      // Not before the daemon has let it be known that there is something to export.
      if isFirst, format == .csv { try output.write(CSVRow.header) }
      isFirst = false
      for view in page.keys {
        switch format {
        case .csv: try output.write(CSVRow(view).text)
        case .jsonl: try output.write(JSON(view).text + "\n")
        }
      }
    } while !token.isEmpty && !output.readerIsGone
    return .success
  }
}

/// A key as a line of CSV. What import knows too has the name that it has there.
struct CSVRow {
  private let fields: [String]

  static let header = line([
    "id", "name", "permission", "expires", "creator", "disabled", "state", "availability", "revoked", "revoke_reason",
    "hint", "created", "updater", "updated", "last_used", "deleted", "purged", "etag", "rate", "uses",
  ])

  init(_ view: KeyView) {
    let key = view.key
    func time(_ instant: Instant?) -> String { instant?.description ?? "" }
    fields = [
      key.id.description, key.name.text, key.permission.name, time(key.expireTime), key.creator,
      key.enabled ? "false" : "true", view.state.name, view.availability.name, time(key.revokeTime), key.revokeReason,
      key.hint, time(key.createTime), key.updater, time(key.updateTime), time(key.lastUsedTime), time(key.deleteTime),
      time(key.purgeTime), String(key.revision), LimitText.rate(key) ?? "", LimitText.uses(key) ?? "",
    ]
  }

  var text: String { Self.line(fields) }

  /// RFC 4180: lines end with CR and LF, and what holds a mark of CSV is quoted.
  private static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\r\n" }

  private static func quoted(_ field: String) -> String {
    guard field.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) || field.first == " " || field.last == " " else {
      return field
    }
    return "\"" + field.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}
