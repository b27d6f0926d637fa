/// Keys from CSV as RFC 4180 has it, with a header line: its names may stand in any order, lines end with LF or CR and
/// LF, and lines that are empty are passed over. Columns that only an export has are passed over too.
///
/// What is quoted is unescaped where it stands: it only gets shorter.
struct CSVReader {
  private var cursor: ImportCursor
  /// nil for one that is passed over.
  private var columns: [ImportColumn?] = []

  static let header = ImportColumn.usual.compactMap(\.csvName).joined(separator: ",")

  /// Reads the header.
  init(_ text: ImportText) throws(ImportError) {
    cursor = try ImportCursor(text)
    let start = cursor.place
    guard let names = try record() else {
      throw ImportError(start, "is empty: begin with a header line of \(Self.header)")
    }
    for name in names {
      // People put blanks between names; between values they may mean something.
      let text = name.text.trimming { $0 == " " || $0 == "\t" }
      guard !ImportColumn.passedOver.contains(text) else {
        columns.append(nil)
        continue
      }
      guard let column = ImportColumn.allCases.first(where: { $0.csvName == text }) else {
        throw ImportError(name.place, "is no column to import: the header line has names out of \(Self.header)")
      }
      guard !columns.contains(column) else {
        throw ImportError(name.place, "names the column \(text) a second time")
      }
      columns.append(column)
    }
    for column in [ImportColumn.name, .permission] where !columns.contains(column) {
      throw ImportError(start, "has no column \(column): the header line must name it")
    }
    guard columns.contains(.secret) || columns.contains(.sha256) else {
      throw ImportError(start, "has no column secret or sha256: the header line must name one of them")
    }
  }

  /// - Returns: nil at the end.
  mutating func next() throws(ImportError) -> ImportRow? {
    guard let fields = try record(), let first = fields.first else { return nil }
    guard fields.count <= columns.count else {
      throw ImportError(fields[columns.count].place, "is one value more than the header line has names")
    }
    guard fields.count == columns.count else {
      throw ImportError(
        cursor.recordEnd ?? first.place, "ends after \(fields.count) of \(columns.count) values: give them all")
    }
    var row = ImportRow(place: first.place)
    for case (let column?, let field) in zip(columns, fields) where !field.bytes.isEmpty { row[column] = field }
    return row
  }

  private mutating func record() throws(ImportError) -> [ImportField]? {
    while cursor.skipLineEnd() {}
    guard !cursor.isAtEnd else { return nil }
    var fields: [ImportField] = []
    fields.reserveCapacity(columns.count)
    while true {
      fields.append(cursor.next == UInt8(ascii: "\"") ? try quoted() : try plain())
      if cursor.skip(",") { continue }
      cursor.recordEnd = cursor.place
      guard cursor.isAtEnd || cursor.skipLineEnd() else {
        throw ImportError(cursor.place, "goes on after a closing quote: a comma or the line's end must follow")
      }
      return fields
    }
  }

  private mutating func plain() throws(ImportError) -> ImportField {
    let place = cursor.place
    let start = cursor.position
    while let byte = cursor.next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "\r"), cursor.byte(after: 1) == UInt8(ascii: "\n") { break }
      guard byte != UInt8(ascii: "\"") else {
        throw ImportError(cursor.place, "is a quote in a value that does not begin with one: quote the whole value")
      }
      cursor.advance()
    }
    return ImportField(bytes: cursor.slice(start..<cursor.position), place: place)
  }

  private mutating func quoted() throws(ImportError) -> ImportField {
    let place = cursor.place
    cursor.advance()
    let start = cursor.position
    var end = start
    while let byte = cursor.next {
      cursor.advance()
      if byte == UInt8(ascii: "\""), !cursor.skip("\"") {
        return ImportField(bytes: cursor.slice(start..<end), place: place)
      }
      cursor.text.bytes[end] = byte
      end += 1
    }
    throw ImportError(place, "is a quote that is never closed")
  }
}

extension String {
  fileprivate func trimming(_ isBlank: (Character) -> Bool) -> String {
    String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
