import Testing

@testable import keywardd

@Suite("TOMLDocument")
struct TOMLDocumentTests {
  private typealias Position = TOMLDocument.Position

  @Test("entries come in the order of the text, each holder before what it holds")
  func order() throws {
    let document = try TOMLDocument(
      """
      [server]
      socket = "/a"
      backlog = 5
      [log]
      level = "info"
      colour = true
      """)
    #expect(
      document.entries.map(\.path) == [
        "server", "server.socket", "server.backlog", "log", "log.level", "log.colour",
      ])
    #expect(document.entries.map(\.parent) == [nil, 0, 0, nil, 3, 3])
    #expect(
      document.entries.map(\.value) == [
        .table, .string("/a"), .integer(5), .table, .string("info"), .boolean(true),
      ])
  }

  @Test("what is defined a second time is told with its place, and without a name that it does not have")
  func repeated() {
    for text in ["[rights]\n\"user:1\" = []\n\"user:1\" = []\n", "[log]\nlevel = \"info\"\nlevel = \"debug\"\n"] {
      let error = #expect(throws: TOMLDocument.SyntaxError.self) { try TOMLDocument(text) }
      #expect(error?.position.line == 3)
      #expect(error?.message == "the name before it stands in the file already: keep one of the two")
    }
  }

  @Test("an array's strings have their own places, and a quoted key its own text")
  func arrays() throws {
    let document = try TOMLDocument("[rights]\n\"user:ann\" = [\"canView\",\n  \"canRead\"]\n")
    try #require(document.entries.count == 4)
    let (array, last) = (document.entries[1], document.entries[3])
    #expect(array.key == "user:ann")
    #expect(array.path == "rights.\"user:ann\"")
    #expect(array.value == .array)
    #expect(array.keyPosition == Position(line: 2, column: 1))
    #expect(array.valuePosition == Position(line: 2, column: 14))
    #expect(last.key == nil)
    #expect(last.parent == 1)
    #expect(last.path == "rights.\"user:ann\"[1]")
    #expect(last.value == .string("canRead"))
    #expect(last.valuePosition == Position(line: 3, column: 3))
  }

  @Test("every kind of value is told apart")
  func kinds() throws {
    let document = try TOMLDocument("a=1.5\nb=2027-01-31\nc=07:32:00\nd=2027-01-31T07:32:00Z\ne={f=[]}\n")
    #expect(document.entries.map(\.value) == [.float, .dateTime, .dateTime, .dateTime, .table, .array])
  }

  @Test("a string may hold what ends one in C")
  func nulInString() throws {
    #expect(try TOMLDocument("a = \"x\\u0000y\"").entries.first?.value == .string("x\0y"))
  }

  @Test("a key may not, for it would be taken for another")
  func nulInKey() {
    let error = #expect(throws: TOMLDocument.SyntaxError.self) { try TOMLDocument("a = 1\n[b]\n \"c\\u0000d\" = 1") }
    #expect(error == .init(message: "the key has a NUL in it", position: .init(line: 3, column: 2)))
  }

  @Test("columns count characters, not bytes")
  func columns() throws {
    #expect(try TOMLDocument("\"é\" = 1").entries.first?.valuePosition == Position(line: 1, column: 7))
  }

  @Test(
    "what is no TOML is an error with its place",
    arguments: [
      ("a = ", 1), ("a = 1\na = 2", 2), ("[s]\n\n[s]", 3), ("a = \"x", 1), ("\n\n= 3", 3), ("a = 1 b = 2", 1),
      ("a = 99999999999999999999", 1),
    ])
  func syntaxErrors(_ text: String, _ line: Int) {
    let error = #expect(throws: TOMLDocument.SyntaxError.self) { try TOMLDocument(text) }
    #expect(error?.position.line == line)
    #expect(error?.message.isEmpty == false)
  }

  @Test(
    "what the library takes for granted ends the reading, not the process",
    arguments: [("[!server]", 1), ("a = 1\n\n[=]\nb = 2\n", 3), ("größe = 1", 1), ("b\u{EC}1.5,2", 1)])
  func brokenAssertions(_ text: String, _ line: Int) {
    let error = #expect(throws: TOMLDocument.SyntaxError.self) { try TOMLDocument(text) }
    #expect(error?.position.line == line)
  }

  @Test(
    "no depth of nesting brings the process down",
    arguments: [
      "a = " + String(repeating: "[", count: 100_000), "[" + String(repeating: "a.", count: 100_000) + "a]",
      String(repeating: "a.", count: 100_000) + "a = 1", "a = " + String(repeating: "{a=", count: 50_000),
      "a = " + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000),
    ])
  func nesting(_ text: String) {
    #expect(throws: TOMLDocument.SyntaxError.self) { try TOMLDocument(text) }
  }

  @Test func nothingIsNothing() throws {
    #expect(try TOMLDocument("").entries.isEmpty)
    #expect(try TOMLDocument("# only a comment\n").entries.isEmpty)
  }
}
