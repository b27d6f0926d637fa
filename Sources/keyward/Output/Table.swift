/// Rows under headings, given as they come: a column grows with what comes into it and never shrinks, so that what
/// stands below a longer cell still lines up.
struct Table {
  /// One column. Its cells are cut only where `minWidth` allows it.
  struct Column {
    let title: String
    /// The fewest columns of the terminal to cut its cells to; nil means they are not cut.
    let minWidth: Int?

    init(_ title: String, minWidth: Int? = nil) {
      self.title = title
      self.minWidth = minWidth
    }
  }

  struct Cell {
    let text: String
    let colour: Colour?

    init(_ text: String, _ colour: Colour? = nil) {
      self.text = text.printable
      self.colour = colour
    }
  }

  private let columns: [Column]
  private let limit: Int?
  private let palette: Palette
  private var widths: [Int]
  private var hasHeadings = false

  private static let gap = 2

  /// - Parameters:
  ///   - columns: the least wanted last: where the terminal is narrow, the last ones are left out.
  ///   - limit: the terminal's columns; nil means any width will do.
  init(_ columns: [Column], limit: Int?, palette: Palette) {
    self.columns = columns
    self.limit = limit
    self.palette = palette
    widths = columns.map(\.title.columnCount)
  }

  /// The rows as lines, with the headings before the first ones.
  mutating func lines(_ rows: [[Cell]]) -> String {
    for row in rows {
      for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.text.columnCount) }
    }
    let fitted = fittedWidths()
    var text = ""
    if !hasHeadings {
      hasHeadings = true
      text += line(columns.map { Cell($0.title, .bold) }, fitted)
    }
    for row in rows { text += line(row, fitted) }
    return text
  }

  private func line(_ cells: [Cell], _ widths: [Int]) -> String {
    var text = ""
    var spaces = 0
    for (cell, width) in zip(cells, widths) {
      let cut = cell.text.cut(toColumns: width)
      text += String(repeating: " ", count: spaces) + palette.paint(cut, cell.colour)
      spaces = width - cut.columnCount + Self.gap
    }
    return text + "\n"
  }

  /// As many columns as fit, with the widths they get: columns that may be cut give way first, then the last ones go.
  /// The first column stays, whole, however narrow the terminal.
  private func fittedWidths() -> [Int] {
    guard let limit else { return widths }
    var fitted = widths
    while true {
      let total = fitted.reduce(0, +) + Self.gap * (fitted.count - 1)
      var excess = total - limit
      var cut = fitted
      for index in cut.indices where excess > 0 {
        guard let minWidth = columns[index].minWidth else { continue }
        let given = min(excess, max(0, cut[index] - minWidth))
        cut[index] -= given
        excess -= given
      }
      if excess <= 0 || fitted.count == 1 { return cut }
      fitted.removeLast()
    }
  }
}

/// One thing's fields, a label and a value on each line.
struct Card {
  private let fields: [(label: String, cell: Table.Cell)]

  init(_ fields: [(label: String, cell: Table.Cell)]) {
    self.fields = fields
  }

  func lines(_ palette: Palette) -> String {
    let width = fields.map(\.label.columnCount).max() ?? 0
    return fields.reduce(into: "") { text, field in
      let label = field.label.padded(toColumns: width)
      text += "\(palette.paint(label, .dim))  \(palette.paint(field.cell.text, field.cell.colour))\n"
    }
  }
}
