import ArgumentParser
import CommandSupport
import KeywardClient
import KeywardCore

/// The key that a verb is to change, or every key that the filters match.
struct Targets: ParsableArguments {
  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String?

  @Flag(help: "Every key that the filters match, all at once: all of them or none.")
  var all = false

  @OptionGroup(title: "Filters, with --all") var filter: FilterOptions

  @Flag(help: "With --all, only tell how many keys it would be, and which.")
  var dryRun = false

  @Flag(help: "Do not ask.")
  var yes = false

  func validate() throws {
    switch (key, all) {
    case (nil, false): throw ValidationError("no key is given: give one, or --all for all that the filters match")
    case (_?, true): throw ValidationError("a key and --all contradict each other: give one of them")
    case (_?, false):
      guard filter.isEmpty, !dryRun else {
        throw ValidationError("the filters and --dry-run go with --all, in place of a key")
      }
    case (nil, true): break
    }
  }

  /// - Throws: for an etag, which only one key can have.
  func check(_ etag: EtagOption) throws {
    if all, etag.etag != nil {
      throw ValidationError("--etag is for one key: --all changes the keys only as they were when it looked")
    }
  }
}

/// A change of all keys that filters match.
struct GroupVerb {
  let action: GroupChange.Action
  /// `revoke`
  let verb: String
  /// `revoked`
  let done: String
  /// Whether the change has something to change about a key that is not deleted.
  let concerns: (KeyView) -> Bool

  /// Finds the keys, shows them, asks unless told not to, and changes them as they were found.
  func perform(
    _ targets: Targets, _ common: CommonOptions, _ output: StandardOutput
  ) throws(CommandFailure) -> ExitStatus {
    guard targets.dryRun || targets.yes || Confirmation.isPossible else {
      throw CommandFailure(
        .usage,
        "there is no terminal to ask at: give --yes to \(verb) without being asked, or --dry-run to see which keys")
    }
    let daemon = try common.connect()
    let (keys, others) = try find(targets.filter, daemon)
    if targets.dryRun { return try preview(keys, others: others, daemon.revision, common.output, output) }
    guard !keys.isEmpty else { return try report(0, daemon.revision, common.output, output) }
    guard targets.yes || confirm(keys, others: others) else {
      writeToStandardError("keyward: nothing was \(done)\n")
      return .refused
    }
    let group = try judged { () throws(DomainError) in
      try GroupChange(action, of: keys.map { KeyVersion(id: $0.key.id, etag: $0.key.revision) })
    }
    let count = try daemon.ask { (client) throws(ClientError) in try client.change(group) }
    return try report(count, daemon.revision, common.output, output)
  }

  /// - Returns: the keys to change, and how many more match.
  /// - Throws: where there are more than can be changed at once.
  private func find(
    _ filter: FilterOptions, _ daemon: Daemon
  ) throws(CommandFailure) -> (keys: [KeyView], others: Int) {
    var keys: [KeyView] = []
    var others = 0
    var token = ""
    repeat {
      let query = try filter.listQuery(pageToken: token)
      let page = try daemon.ask { (client) throws(ClientError) in try client.listKeys(query) }
      let concerned = page.keys.filter(concerns)
      keys += concerned
      others += page.keys.count - concerned.count
      token = page.nextPageToken
      guard keys.count <= GroupChange.maxCount else {
        throw CommandFailure(
          .badData,
          "\(page.totalSize) keys match, and at most \(GroupChange.maxCount) are \(done) at once: narrow the filters")
      }
    } while !token.isEmpty
    return (keys, others)
  }

  private static let shownInQuestion = 20

  private func confirm(_ keys: [KeyView], others: Int) -> Bool {
    var text = "\(Self.count(keys.count)) to \(verb)\(Self.remark(others)):\n"
    for view in keys.prefix(Self.shownInQuestion) {
      text += "  \(view.key.name.text.printable)  (\(view.key.id), \(view.state.name))\n"
    }
    if keys.count > Self.shownInQuestion {
      text += "  and \(keys.count - Self.shownInQuestion) more, which --dry-run shows\n"
    }
    writeToStandardError(text)
    return Confirmation.ask("\(verb.prefix(1).uppercased() + verb.dropFirst()) \(Self.count(keys.count))?")
  }

  /// Tells what would be changed: `ListKeysResponse`, or a table and the count.
  private func preview(
    _ keys: [KeyView], others: Int, _ revision: Revision, _ form: OutputForm, _ output: StandardOutput
  ) throws(CommandFailure) -> ExitStatus {
    switch form {
    case .json:
      let members: [JSON.Member] = [
        ("keys", .array(keys.map { JSON($0) })), ("totalSize", .int64(Int64(keys.count))),
        ("revision", .int64(revision)),
      ]
      try output.write(JSON.object(members).text + "\n")
    case .table:
      let palette = Palette(isTerminal: output.isTerminal)
      var table = Table(KeyOutput.columns, limit: output.width, palette: palette)
      if !keys.isEmpty { try output.write(table.lines(keys.map(KeyOutput(times: Times()).row))) }
      try output.write("\(Self.count(keys.count)) would be \(done)\(Self.remark(others))\n")
    }
    return .success
  }

  private func report(
    _ count: Int, _ revision: Revision, _ form: OutputForm, _ output: StandardOutput
  ) throws(CommandFailure) -> ExitStatus {
    switch form {
    case .json:
      let members: [JSON.Member] = [("changedCount", .int64(Int64(count))), ("revision", .int64(revision))]
      try output.write(JSON.object(members).text + "\n")
    case .table: try output.write("\(Self.count(count)) \(done)\n")
    }
    return .success
  }

  private static func count(_ count: Int) -> String { "\(count) key\(count == 1 ? "" : "s")" }

  private static func remark(_ others: Int) -> String {
    others == 0 ? "" : " (\(others) more \(others == 1 ? "matches and needs" : "match and need") no change)"
  }
}
