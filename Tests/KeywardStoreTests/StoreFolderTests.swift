import Foundation
import KeywardStore
import Testing

/// Paths and folders that cannot hold a database.
@Suite struct StoreFolderTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// The message of the refusal, after which the folder is as it was.
  private func refusal(of path: String) throws -> String {
    let before = try folder.names()
    let error = #expect(throws: StoreOpenError.self) { try SQLiteStore(path: path) }
    #expect(try folder.names() == before)
    return error?.message ?? ""
  }

  @Test(
    "A path that can name no file",
    arguments: [
      ("", "the database path \"\" is empty: name a file"),
      ("a\0b", "the database path \"a\\0b\" has a NUL in it: leave it out"),
      ("/", "the database path \"/\" names a folder: name a file in it"),
      ("/tmp/..", "the database path \"/tmp/..\" names a folder: name a file in it"),
      ("/tmp/", "the database path \"/tmp/\" names a folder: name a file in it"),
    ])
  func badPath(_ path: String, _ message: String) throws {
    #expect(try refusal(of: path) == message)
  }

  @Test("A name or a path that is too long for the files beside the database")
  func tooLong() throws {
    let name = String(repeating: "n", count: 248)
    #expect(try refusal(of: folder.path + "/" + name).contains("too long a name (248 bytes): name one of at most 247"))
    let store = try SQLiteStore(path: folder.path + "/" + name.dropFirst())
    store.close()
    let deep = folder.path + "/" + name + "/" + name
    try FileManager.default.createDirectory(
      atPath: deep, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    #expect(try refusal(of: deep + "/keyward.db").contains("is too long"))
    #expect(try refusal(of: folder.path + "/" + name + name + "/keyward.db").contains("File name too long"))
  }

  @Test("A folder that is missing")
  func missing() throws {
    let message = "the folder \(folder.path)/none does not exist: make it, with mode 0700"
    #expect(try refusal(of: folder.path + "/none/keyward.db") == message)
  }

  @Test("A folder that is a file")
  func notAFolder() throws {
    try folder.write(Data("text".utf8), to: "file")
    #expect(try refusal(of: folder.path + "/file/keyward.db").hasSuffix("/file is not a folder: name a file in one"))
  }

  @Test("A folder that others may enter, read or write", arguments: [0o755, 0o750, 0o710, 0o701, 0o777, 0o1777])
  func openToOthers(_ mode: Int) throws {
    try folder.setMode(mode)
    let octal = "0" + String(mode, radix: 8)
    let advice =
      mode & 0o1000 != 0
      ? "name a database in a folder of its own, with mode 0700" : "run chmod 700 \(folder.path)"
    #expect(
      try refusal(of: folder.database) == "the folder \(folder.path) is open to others (mode \(octal)): \(advice)")
  }

  @Test("A folder of another user", .enabled(if: geteuid() == 0, "only root can give a folder away"))
  func anotherUser() throws {
    #expect(chown(folder.path, 12345, 12345) == 0)
    #expect(
      try refusal(of: folder.database)
        == "the folder \(folder.path) belongs to user 12345: give it to keywardd's own user, 0")
  }

  @Test("A folder that cannot be written", .enabled(if: geteuid() != 0, "root may write any folder"))
  func readOnlyFolder() throws {
    try folder.setMode(0o500)
    #expect(try refusal(of: folder.database).contains("cannot be written (Permission denied)"))
  }

  @Test("A database that cannot be read", .enabled(if: geteuid() != 0, "root may read any file"))
  func unreadableFile() throws {
    try folder.write(Data(), to: "keyward.db")
    try folder.setMode(0o000, of: "keyward.db")
    #expect(try refusal(of: folder.database).contains("cannot be read and written (Permission denied)"))
  }

  @Test(
    "A folder on a file system that is mounted for reading only",
    .enabled(if: readOnlyPlace != nil, "nothing is mounted so"))
  func readOnlyFileSystem() throws {
    let readOnly = try #require(readOnlyPlace)
    #expect(try refusal(of: readOnly + "/keyward.db").hasPrefix("the folder \(readOnly) "))
  }

  @Test("A path that names something other than a file")
  func notAFile() throws {
    try FileManager.default.createDirectory(atPath: folder.database, withIntermediateDirectories: false)
    #expect(try refusal(of: folder.database).hasSuffix("names a folder: name a file in it"))
    try FileManager.default.removeItem(atPath: folder.database)
    #expect(mkfifo(folder.database, 0o600) == 0)
    #expect(try refusal(of: folder.database).hasSuffix("names no regular file: name another"))
    try FileManager.default.removeItem(atPath: folder.database)
    try FileManager.default.createSymbolicLink(atPath: folder.database, withDestinationPath: "/etc/passwd")
    #expect(try refusal(of: folder.database).hasSuffix("names a symbolic link: name the file it leads to"))
  }

  @Test("A folder reached by a symbolic link is judged for what it is")
  func linkedFolder() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path + "/real", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "real")
    let store = try SQLiteStore(path: folder.path + "/link/keyward.db")
    #expect(store.path == folder.path + "/real/keyward.db")
    store.close()
    try folder.setMode(0o755, of: "real")
    #expect(try refusal(of: folder.path + "/link/keyward.db").contains("run chmod 700 \(folder.path)/real"))
  }
}

/// Some folder on a read-only file system, where the machine has one.
private let readOnlyPlace: String? = ["/sys/fs/cgroup", "/sys", "/proc/sys", "/nix/store"].first { path in
  var status = statvfs()
  return statvfs(path, &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
}
