/// Keys from JSON Lines: on each line one object with the fields of ImportedKey, as the protocol buffers' JSON names
/// them; lines that are empty are passed over.
///
/// A reader of our own, because errors name the column, and because no secret may be left in memory that nobody wipes:
/// what is escaped is unescaped where it stands, for it only gets shorter.
struct JSONLinesReader {
  private var cursor: ImportCursor

  init(_ text: ImportText) throws(ImportError) {
    cursor = try ImportCursor(text)
  }

  /// - Returns: nil at the end.
  mutating func next() throws(ImportError) -> ImportRow? {
    repeat { skipSpaces() } while cursor.skipLineEnd()
    guard !cursor.isAtEnd else { return nil }
    var row = ImportRow(place: cursor.place)
    guard cursor.skip("{") else { throw ImportError(cursor.place, "is no object: give one JSON object on each line") }
    skipSpaces()
    if !cursor.skip("}") {
      repeat { try member(of: &row) } while try goesOn()
    }
    skipSpaces()
    guard cursor.isAtEnd || cursor.skipLineEnd() else {
      throw ImportError(cursor.place, "goes on after the object: give one JSON object on each line")
    }
    return row
  }

  private mutating func goesOn() throws(ImportError) -> Bool {
    skipSpaces()
    if cursor.skip(",") { return true }
    guard cursor.skip("}") else { throw ImportError(cursor.place, "is neither a comma nor the object's end") }
    return false
  }

  private mutating func member(of row: inout ImportRow) throws(ImportError) {
    let name = try memberName()
    if ImportColumn.passedOver.contains(name.text) {
      try passOver(name)
      return
    }
    guard let column = ImportColumn.allCases.first(where: { $0.jsonName == name.text }) else {
      let names = ImportColumn.usual.map(\.jsonName).joined(separator: ", ")
      throw ImportError(name.place, "is no field of a key to import: they are \(names)")
    }
    let isRepeated =
      switch column {
      case .rate: row.rateLimit != nil
      case .uses: row.useLimit != nil
      default: row[column] != nil
      }
    guard !isRepeated else { throw ImportError(name.place, "is the field \(column.jsonName) a second time") }
    if skipWord("null") { return }
    switch column {
    case .rate: row.rateLimit = try members(of: column.jsonName).rateLimit()
    case .uses: row.useLimit = try members(of: column.jsonName).useLimit()
    case .disabled, .enabled: row[column] = try bool(for: column)
    default:
      let value = try string("a string for \(column.jsonName)")
      // As the mapping has it, a string that is empty is one that is absent.
      row[column] = value.bytes.isEmpty ? nil : value
    }
  }

  /// Reads past what keyward gives anew.
  private mutating func passOver(_ name: ImportField) throws(ImportError) {
    if skipWord("null") { return }
    switch cursor.next {
    case UInt8(ascii: "{"): _ = try members(of: name.text)
    default: _ = try string("a string for \(name.text)")
    }
  }

  /// A member's name, and the colon after it.
  private mutating func memberName() throws(ImportError) -> ImportField {
    skipSpaces()
    let name = try string("a member's name in quotes")
    skipSpaces()
    guard cursor.skip(":") else { throw ImportError(cursor.place, "is not the colon after a member's name") }
    skipSpaces()
    return name
  }

  /// An object of strings and numbers.
  private mutating func members(of name: String) throws(ImportError) -> LimitMembers {
    var members = LimitMembers(place: cursor.place, name: name)
    guard cursor.skip("{") else { throw ImportError(cursor.place, "is not an object for \(name)") }
    skipSpaces()
    if cursor.skip("}") { return members }
    repeat {
      let name = try memberName()
      try members.add(name, cursor.next == UInt8(ascii: "\"") ? try string("a string") : number())
    } while try goesOn()
    return members
  }

  /// Digits, as many as stand there.
  private mutating func number() -> ImportField {
    let (place, start) = (cursor.place, cursor.position)
    while let byte = cursor.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { cursor.advance() }
    return ImportField(bytes: cursor.slice(start..<cursor.position), place: place)
  }

  private mutating func bool(for column: ImportColumn) throws(ImportError) -> ImportField {
    let place = cursor.place
    let start = cursor.position
    guard skipWord("true") || skipWord("false") else {
      throw ImportError(place, "is not true or false, as \(column.jsonName) must be")
    }
    return ImportField(bytes: cursor.slice(start..<cursor.position), place: place)
  }

  private mutating func string(_ wanted: String) throws(ImportError) -> ImportField {
    let place = cursor.place
    guard cursor.skip("\"") else { throw ImportError(place, "is not \(wanted)") }
    let start = cursor.position
    var end = start
    while let byte = cursor.next {
      guard byte >= 0x20 else { break }
      let here = cursor.place
      cursor.advance()
      switch byte {
      case UInt8(ascii: "\""): return ImportField(bytes: cursor.slice(start..<end), place: place)
      case UInt8(ascii: "\\"):
        for byte in String(try escaped(at: here)).utf8 { put(byte, &end) }
      default: put(byte, &end)
      }
    }
    throw ImportError(place, "is a string that does not end on its line")
  }

  private func put(_ byte: UInt8, _ end: inout Int) {
    cursor.text.bytes[end] = byte
    end += 1
  }

  /// What follows a backslash.
  private mutating func escaped(at place: ImportPlace) throws(ImportError) -> Unicode.Scalar {
    let byte = cursor.next
    if byte != nil { cursor.advance() }
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = hexadecimal()
      if let high = code, (0xD800..<0xDC00).contains(high), cursor.skip("\\"), cursor.skip("u"),
        let low = hexadecimal(),
        (0xDC00..<0xE000).contains(low)
      {
        code = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
      }
      if let scalar = code.flatMap({ Unicode.Scalar($0) }) { return scalar }
    default: break
    }
    throw ImportError(place, "is no escape of JSON")
  }

  private mutating func hexadecimal() -> UInt32? {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = cursor.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      code = code << 4 | UInt32(digit)
      cursor.advance()
    }
    return code
  }

  private mutating func skipSpaces() {
    while let byte = cursor.next, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { cursor.advance() }
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard (0..<count).allSatisfy({ cursor.byte(after: $0) == word.utf8Start[$0] }) else { return false }
    for _ in 0..<count { cursor.advance() }
    return true
  }
}
