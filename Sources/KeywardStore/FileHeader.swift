/// The first bytes of a database file (sqlite.org/fileformat.html, 1.3).
struct FileHeader {
  static let byteCount = 100

  /// Whether SQLite wrote the file.
  let isSQLite: Bool
  /// Which schema it has, at offset 60.
  let userVersion: Int32
  /// Whose file it is, at offset 68.
  let applicationID: Int32

  /// - Parameter bytes: ``byteCount`` of them.
  init(_ bytes: [UInt8]) {
    func number(at offset: Int) -> Int32 {
      bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int32($1) }
    }
    isSQLite = bytes.starts(with: "SQLite format 3\0".utf8)
    userVersion = number(at: 60)
    applicationID = number(at: 68)
  }
}
