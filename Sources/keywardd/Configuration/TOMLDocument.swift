import CTOML

/// A TOML text, as a flat list in which every table and array comes before what it holds, and siblings are in the
/// order of the text.
struct TOMLDocument {
  struct Position: Equatable {
    /// From 1; 0 where it is not known.
    let line: Int
    /// From 1, in code points; 0 where it is not known.
    let column: Int
  }

  enum Value: Equatable {
    case table
    case array
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case float
    case dateTime

    /// With its article, for messages.
    var kind: String {
      switch self {
      case .table: "a table"
      case .array: "an array"
      case .string: "a string"
      case .integer: "an integer"
      case .boolean: "a boolean"
      case .float: "a float"
      case .dateTime: "a date or time"
      }
    }
  }

  struct Entry: Equatable {
    /// Where it stands, for people and for look-ups: `server.socket`, `rights."user:ann"[0]`.
    let path: String
    /// nil for an element of an array.
    let key: String?
    /// The index of the table or array that holds it; nil at the top level.
    let parent: Int?
    let value: Value
    /// Of the value where it has no key.
    let keyPosition: Position
    let valuePosition: Position
  }

  /// What is wrong with a text, and where.
  struct SyntaxError: Error, Equatable {
    let message: String
    let position: Position
  }

  let entries: [Entry]

  /// - Parameter text: valid UTF-8.
  init(_ text: String) throws(SyntaxError) {
    var text = text
    let parsed = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { ctoml_parse($0.baseAddress, $0.count) }
    }
    guard let parsed else {
      throw SyntaxError(message: "memory is too short to read it", position: Position(line: 0, column: 0))
    }
    defer { ctoml_free(parsed) }
    if let error = parsed.pointee.error {
      throw SyntaxError(
        message: Self.told(String(cString: error.pointee.message)), position: Position(error.pointee.position))
    }
    entries = UnsafeBufferPointer(start: parsed.pointee.entries, count: parsed.pointee.entry_count).map(Entry.init)
  }
}

extension TOMLDocument {
  /// toml++ repeats the name that is defined again, and not as it stands there.
  private static func told(_ message: String) -> String {
    message.contains("cannot redefine existing")
      ? "the name before it stands in the file already: keep one of the two" : message
  }
}

extension TOMLDocument.Position {
  fileprivate init(_ position: ctoml_position) {
    self.init(line: Int(position.line), column: Int(position.column))
  }
}

extension TOMLDocument.Entry {
  fileprivate init(_ entry: ctoml_entry) {
    self.init(
      path: String(cString: entry.path), key: entry.key.map { String(cString: $0) },
      parent: entry.parent >= 0 ? entry.parent : nil, value: TOMLDocument.Value(entry),
      keyPosition: TOMLDocument.Position(entry.key_position),
      valuePosition: TOMLDocument.Position(entry.value_position))
  }
}

extension TOMLDocument.Value {
  fileprivate init(_ entry: ctoml_entry) {
    switch entry.kind {
    case CTOML_TABLE: self = .table
    case CTOML_ARRAY: self = .array
    case CTOML_STRING:
      let bytes = UnsafeRawBufferPointer(start: entry.string, count: entry.string_length)
      self = .string(String(decoding: bytes, as: UTF8.self))
    case CTOML_INTEGER: self = .integer(entry.integer)
    case CTOML_BOOLEAN: self = .boolean(entry.boolean)
    case CTOML_FLOAT: self = .float
    case CTOML_DATE_TIME: self = .dateTime
    default: preconditionFailure("the kinds of CTOML.h are those above")
    }
  }
}
