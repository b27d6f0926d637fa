import Testing

@testable import keyward

@Suite("Table")
struct TableTests {
  private let plain = Palette(isTerminal: false)

  private func table(_ limit: Int?) -> Table {
    Table([.init("ID"), .init("NAME", minWidth: 4), .init("STATE")], limit: limit, palette: plain)
  }

  private func row(_ cells: String...) -> [Table.Cell] { cells.map { .init($0) } }

  @Test("columns line up and no line ends in spaces")
  func linesUp() {
    var table = table(nil)
    let lines = table.lines([row("k1", "mailer", "active"), row("k2", "a", "disabled")])
    #expect(lines == "ID  NAME    STATE\nk1  mailer  active\nk2  a       disabled\n")
  }

  @Test("a later page has no headings, and lines up with the page before")
  func laterPage() {
    var table = table(nil)
    _ = table.lines([row("k1", "mailer", "active")])
    #expect(table.lines([row("k2", "a", "active")]) == "k2  a       active\n")
    #expect(table.lines([row("k3", "a-longer-name", "active")]) == "k3  a-longer-name  active\n")
  }

  @Test("wide and combining characters count as the columns they take")
  func displayWidth() {
    var table = table(nil)
    let lines = table.lines([row("k1", "チャット", "a"), row("k2", "e\u{301}", "b"), row("k3", "👩‍👩‍👧", "c")])
    #expect(lines == "ID  NAME      STATE\nk1  チャット  a\nk2  e\u{301}         b\nk3  👩‍👩‍👧        c\n")
  }

  @Test("on a narrow terminal names are cut first, then the last columns go")
  func narrow() {
    let rows = [row("k1", "a-long-name", "active")]
    var cut = table(20)
    #expect(cut.lines(rows) == "ID  NAME      STATE\nk1  a-long-…  active\n")
    var dropped = table(15)
    #expect(dropped.lines(rows) == "ID  NAME\nk1  a-long-name\n")
    var least = table(1)
    #expect(least.lines(rows) == "ID\nk1\n")
  }

  @Test("no cell can steer the terminal")
  func controlCharacters() {
    #expect(Table.Cell("a\u{1B}[2Jb\n\u{9B}c\u{202E}d").text == "a\\u{1B}[2Jb\\u{A}\\u{9B}c\\u{202E}d")
  }

  @Test(
    "text is cut between characters and within its columns",
    arguments: [
      (5, "abcde", "abcde"), (4, "abcde", "abc…"), (1, "abcde", "…"), (0, "abcde", ""), (4, "チャット", "チ…"),
      (5, "チャット", "チャ…"),
    ])
  func cut(_ limit: Int, _ text: String, _ expected: String) {
    #expect(text.cut(toColumns: limit) == expected)
    #expect(text.cut(toColumns: limit).columnCount <= limit)
  }

  @Test("colours are for terminals whose users want them")
  func palette() {
    func isColoured(_ isTerminal: Bool, _ environment: [String: String]) -> Bool {
      Palette(isTerminal: isTerminal) { environment[$0] }.isColoured
    }
    #expect(isColoured(true, [:]))
    #expect(isColoured(true, ["NO_COLOR": ""]))
    #expect(!isColoured(true, ["NO_COLOR": "0"]))
    #expect(!isColoured(true, ["TERM": "dumb"]))
    #expect(!isColoured(false, [:]))
  }

  @Test("colour does not change what lines up")
  func colouredWidths() {
    var table = Table([.init("A"), .init("B")], limit: nil, palette: Palette(isTerminal: true) { _ in nil })
    let lines = table.lines([[.init("x", .red), .init("y")]])
    #expect(lines == "\u{1B}[1mA\u{1B}[0m  \u{1B}[1mB\u{1B}[0m\n\u{1B}[31mx\u{1B}[0m  y\n")
  }
}
