import Foundation

/// A folder of mode 0700, gone with the value.
final class TemporaryFolder {
  let path: String

  init() throws {
    let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
    path = temporary + "/keyward-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  deinit {
    try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Where the tests' database is.
  var database: String { path + "/keyward.db" }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

  /// Every file that is not empty, with all its bytes.
  func snapshot() throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try names() {
      // Not read where it is empty: Foundation leaks its buffer then.
      let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
      if attributes[.size] as? Int == 0 { continue }
      files[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }
    return files
  }

  func write(_ bytes: Data, to name: String) throws {
    try bytes.write(to: URL(fileURLWithPath: path + "/" + name))
  }

  /// Writes what a ``snapshot()`` of another folder found.
  func write(_ files: [String: Data]) throws {
    for (name, bytes) in files { try write(bytes, to: name) }
  }

  func setMode(_ mode: Int, of name: String = "") throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path + "/" + name)
  }

  func mode(of name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
    return (attributes[.posixPermissions] as? Int) ?? -1
  }
}
