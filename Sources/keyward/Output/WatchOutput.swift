import CommandSupport
import KeywardCore

/// Changes as they come, a line each.
struct WatchOutput {
  private let form: OutputForm
  private let output: StandardOutput
  private let times: Times
  private var table: Table

  // Nobody knows how long names to come are: what is longer is cut, or where there is room moves the rest along.
  private static let columns: [Table.Column] = [
    .init("TIME"), .init(column("CHANGE", like: ChangeType.soonUnavailable.name)),
    .init(column("NAME", like: String(repeating: " ", count: 24)), minWidth: 12),
    .init(column("STATE", like: State.disabled.name)), .init("KEY                     "), .init("REVISION"),
  ]

  init(form: OutputForm, output: StandardOutput, times: Times) {
    self.form = form
    self.output = output
    self.times = times
    table = Table(Self.columns, limit: output.width, palette: Palette(isTerminal: output.isTerminal))
  }

  mutating func print(_ event: WatchEvent) throws(CommandFailure) {
    switch (form, event) {
    case (.json, _): try output.write(JSON(event).text + "\n")
    case (.table, .change(let change)): try output.write(table.lines([row(change)]))
    case (.table, .caughtUp(let revision)):
      // For a person: a program has no use for another line among the rows.
      if output.isTerminal { writeToStandardError("keyward: watching from revision \(revision) on; Ctrl-C ends it\n") }
    }
  }

  private func row(_ change: KeyEventView) -> [Table.Cell] {
    let key = change.key.key
    return [
      .init(times.absolute(change.time)), .init(change.type.name, change.type.colour), .init(key.name.text),
      .init(change.key.state.name, change.key.colour), .init(key.id.description), .init(String(change.revision)),
    ]
  }

  private static func column(_ title: String, like longest: String) -> String {
    title.padded(toColumns: longest.columnCount)
  }
}
