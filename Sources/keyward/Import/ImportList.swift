import KeywardClient
import KeywardCore

/// What a list of keys is written in.
enum ListFormat: String, CaseIterable {
  case csv
  case jsonl

  /// By how a file's name ends, and where that says nothing, by how the list begins.
  init(path: String, of text: ImportText) {
    let path = path.lowercased()
    let isJSON = [".jsonl", ".ndjson", ".json"].contains { path.hasSuffix($0) }
    self = isJSON || !path.hasSuffix(".csv") && text.firstByte == UInt8(ascii: "{") ? .jsonl : .csv
  }
}

/// A list of keys as it was found right by itself, in the portions that go to the daemon.
struct ImportList {
  /// What goes in one call.
  struct Portion {
    var keys: [KeyToImport] = []
    var places: [Places] = []
    fileprivate var byteCount = 0

    fileprivate func split(by size: Int) -> [Portion] {
      stride(from: 0, to: keys.count, by: size).map { start in
        let range = start..<min(start + size, keys.count)
        return Portion(keys: Array(keys[range]), places: Array(places[range]))
      }
    }
  }

  /// Where a key stands.
  struct Places {
    let row: ImportPlace
    let name: ImportPlace
    let secret: ImportPlace
  }

  private(set) var portions: [Portion] = []
  private(set) var count = 0

  /// Keys of a portion at most where there are several. A call may have more, but a thread of the daemon decodes it in one
  /// go, and its other peers wait meanwhile, a microsecond for each key.
  private static let portionCount = 1000

  /// Reads a list to its end.
  /// - Throws: at the first thing that is wrong.
  init(_ text: ImportText, as format: ListFormat) throws(ImportError) {
    var rows = ImportRowReader()
    var seen = Seen()
    switch format {
    case .csv:
      var reader = try CSVReader(text)
      while let row = try reader.next() { try add(row, &rows, &seen) }
    case .jsonl:
      var reader = try JSONLinesReader(text)
      while let row = try reader.next() { try add(row, &rows, &seen) }
    }
    if portions.count > 1 { portions = portions.flatMap { $0.split(by: Self.portionCount) } }
  }

  /// The names and secrets so far, with their lines.
  private struct Seen {
    var names: [KeyName: Int] = [:]
    var digests: [Digest: Int] = [:]
  }

  private mutating func add(
    _ row: ImportRow, _ rows: inout ImportRowReader, _ seen: inout Seen
  ) throws(ImportError) {
    let (key, places) = try rows.read(row)
    if let line = seen.names.updateValue(row.place.line, forKey: key.key.name) {
      throw ImportError(places.name, "name is that of line \(line) too")
    }
    if let line = seen.digests.updateValue(row.place.line, forKey: key.key.credential.digest) {
      throw ImportError(places.secret, "secret is that of line \(line) too")
    }
    let byteCount = key.byteCount
    if let last = portions.last, last.keys.count < ImportKeys.maxCount,
      last.byteCount + byteCount <= Client.importByteLimit
    {
    } else {
      portions.append(Portion())
    }
    portions[portions.count - 1].keys.append(key)
    portions[portions.count - 1].places.append(places)
    portions[portions.count - 1].byteCount += byteCount
    count += 1
  }

  /// What the daemon says of one of the keys, as what is wrong with the list; nil where it says nothing of a key.
  ///
  /// It begins with `keys[N].field`, or `portions[P].keys[N].field`.
  /// - Parameter portion: the one that was sent last, which the former is about.
  func error(_ message: String, portion sent: Int) -> ImportError? {
    var rest = message[...]
    let portion = rest.takeIndex(of: "portions") ?? sent
    guard let number = rest.takeIndex(of: "keys"), portions.indices.contains(portion),
      portions[portion].places.indices.contains(number)
    else { return nil }
    let places = portions[portion].places[number]
    let place =
      rest.hasPrefix("name ")
      ? places.name
      : rest.hasPrefix("secret ") || rest.hasPrefix("sha256 ") ? places.secret : places.row
    return ImportError(place, String(rest))
  }
}

extension Substring {
  /// Takes `field[N].` off the beginning; nil where it is not there, which changes nothing.
  fileprivate mutating func takeIndex(of field: String) -> Int? {
    guard hasPrefix(field + "["), let end = firstIndex(of: "]"), self[end...].hasPrefix("]."),
      let number = Int(dropFirst(field.count + 1)[..<end])
    else { return nil }
    self = self[end...].dropFirst(2)
    return number
  }
}
