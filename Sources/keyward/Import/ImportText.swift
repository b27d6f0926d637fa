import CommandSupport
import Glibc
import KeywardCore

/// A list of keys as it was read, in memory that is wiped with it: most of it may be secrets.
final class ImportText {
  private(set) var bytes: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  private init(capacity: Int) {
    bytes = .allocate(byteCount: max(capacity, 4096), alignment: 1)
  }

  /// The text of a test.
  init(_ text: [UInt8]) {
    bytes = .allocate(byteCount: max(text.count, 1), alignment: 1)
    bytes.copyBytes(from: text)
    count = text.count
  }

  deinit {
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    bytes.deallocate()
  }

  /// Reads a whole file.
  /// - Parameter path: `-` for standard input.
  static func read(_ path: String) throws(CommandFailure) -> ImportText {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw CommandFailure(.noInput, "cannot open \(path)", errno: errno) }
    defer { if path != "-" { close(descriptor) } }
    var status = stat()
    let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    // One more, so that the end of a file is seen without growing.
    let text = ImportText(capacity: size + 1)
    while true {
      if text.count == text.bytes.count { text.grow() }
      let rest = UnsafeMutableRawBufferPointer(rebasing: text.bytes[text.count...])
      let count = Glibc.read(descriptor, rest.baseAddress, rest.count)
      if count > 0 {
        text.count += count
      } else if count == 0 {
        return text
      } else if errno != EINTR {
        throw CommandFailure(
          .inputOutput, "cannot read \(path == "-" ? "standard input" : path)", errno: errno)
      }
    }
  }

  private func grow() {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count * 2, alignment: 1)
    larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    bytes.deallocate()
    bytes = larger
  }

  /// The first byte that is no blank, after a byte order mark; nil where there is none.
  var firstByte: UInt8? {
    let content = bytes[..<count]
    let text = content.starts(with: [0xEF, 0xBB, 0xBF]) ? content.dropFirst(3) : content
    return text.first { !" \t\r\n".utf8.contains($0) }
  }
}

/// Where something stands in a list: its line, and the code point on it, both from 1.
struct ImportPlace: Equatable {
  let line: Int
  let column: Int
}

/// What is wrong with a list, and where. The text never repeats what stands there: it may be a secret.
struct ImportError: Error, Equatable {
  let place: ImportPlace
  let message: String

  init(_ place: ImportPlace, _ message: String) {
    self.place = place
    self.message = message
  }
}

/// One value of a list.
struct ImportField {
  /// Its text, unescaped; in the memory of the ``ImportText``.
  let bytes: UnsafeRawBufferPointer
  let place: ImportPlace

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// What a list may say of a key.
enum ImportColumn: Int, CaseIterable {
  case name
  case permission
  case secret
  case sha256
  case expires
  case creator
  case disabled
  case enabled
  case rate
  case uses
  case revoked
  case deleted

  /// nil for what only JSON has.
  var csvName: String? {
    switch self {
    case .name: "name"
    case .permission: "permission"
    case .secret: "secret"
    case .sha256: "sha256"
    case .expires: "expires"
    case .creator: "creator"
    case .disabled: "disabled"
    case .enabled: nil
    case .rate: "rate"
    case .uses: "uses"
    case .revoked: "revoked"
    case .deleted: "deleted"
    }
  }

  /// The field of ImportedKey, or of Key, in the protocol buffers' JSON.
  var jsonName: String {
    switch self {
    case .name, .permission, .secret, .sha256, .creator, .disabled: csvName ?? ""
    case .expires: "expireTime"
    case .enabled: "enabled"
    case .rate: "rateLimit"
    case .uses: "useLimit"
    case .revoked: "revokeTime"
    case .deleted: "deleteTime"
    }
  }

  /// What a list to import is written with. The others are what an export says besides.
  static let usual: [ImportColumn] = [
    .name, .permission, .secret, .sha256, .expires, .creator, .disabled, .rate, .uses,
  ]

  /// What an export says of a key that keyward gives anew.
  static let passedOver: Set<String> = [
    "id", "state", "availability", "hint", "updater", "etag", "revoke_reason", "created", "updated", "last_used",
    "purged", "revokeReason", "createTime", "updateTime", "lastUsedTime", "purgeTime", "usage",
  ]
}

/// What a list says of one key.
struct ImportRow {
  let place: ImportPlace
  private var fields = [ImportField?](repeating: nil, count: ImportColumn.allCases.count)
  /// Limits that came as objects; others are among the fields.
  var rateLimit: RateLimit?
  var useLimit: UseLimit?

  init(place: ImportPlace) {
    self.place = place
  }

  /// nil where nothing is said.
  subscript(column: ImportColumn) -> ImportField? {
    get { fields[column.rawValue] }
    set { fields[column.rawValue] = newValue }
  }
}

/// Goes through a list byte by byte and knows the line.
struct ImportCursor {
  let text: ImportText
  private(set) var position = 0
  /// Where the last record ended, before the line's end.
  var recordEnd: ImportPlace?
  private var line = 1
  private var column = 1

  /// Passes over a byte order mark.
  /// - Throws: where the text is not UTF-8.
  init(_ text: ImportText) throws(ImportError) {
    self.text = text
    if text.count >= 3, text.bytes[0] == 0xEF, text.bytes[1] == 0xBB, text.bytes[2] == 0xBF {
      position = 3
    }
    let content = UnsafeRawBufferPointer(rebasing: text.bytes[..<text.count]).assumingMemoryBound(to: UInt8.self)
    do {
      _ = try UTF8Span(validating: Span(_unsafeElements: content))
    } catch {
      while position < error.byteOffsets.lowerBound { advance() }
      throw ImportError(place, "is not UTF-8: give the list in UTF-8")
    }
  }

  var isAtEnd: Bool { position >= text.count }

  /// nil at the end.
  var next: UInt8? { position < text.count ? text.bytes[position] : nil }

  func byte(after distance: Int) -> UInt8? {
    position + distance < text.count ? text.bytes[position + distance] : nil
  }

  var place: ImportPlace { ImportPlace(line: line, column: column) }

  /// Passes over one byte.
  mutating func advance() {
    let byte = text.bytes[position]
    position += 1
    if byte == UInt8(ascii: "\n") {
      line += 1
      column = 1
    } else if next.map({ $0 & 0xC0 != 0x80 }) ?? true {
      column += 1
    }
  }

  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: mark) else { return false }
    advance()
    return true
  }

  /// LF, or CR and LF.
  mutating func skipLineEnd() -> Bool {
    if next == UInt8(ascii: "\r"), byte(after: 1) == UInt8(ascii: "\n") { advance() }
    return skip("\n")
  }

  func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: text.bytes[range])
  }
}
