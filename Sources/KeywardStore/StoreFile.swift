import Glibc

/// Where a database is, or is to be: checked without touching it.
struct StoreFile {
  /// Absolute, and without symbolic links.
  let path: String
  private let folder: String
  /// nil where there is no file yet.
  private let byteCount: Int?

  /// The longest absolute path, in bytes: SQLite takes 512, with 8 for the names of the files beside it.
  private static let maxPathBytes = 504
  /// The longest name, in bytes: Linux takes 255.
  private static let maxNameBytes = 247

  /// Whether there is nothing in the file that could be lost.
  var isEmpty: Bool { (byteCount ?? 0) == 0 }

  func isShorter(than count: Int) -> Bool { (byteCount ?? 0) < count }

  /// Looks at the folder, then at the file.
  init(_ given: String) throws(StoreOpenError) {
    let (parent, name) = try Self.split(given)
    folder = try Self.checkedFolder(parent)
    path = folder == "/" ? "/" + name : folder + "/" + name
    guard path.utf8.count <= Self.maxPathBytes else {
      throw .path(given, "is too long (\(path.utf8.count) bytes): name one of at most \(Self.maxPathBytes)")
    }
    byteCount = try Self.checkedSize(of: path)
    guard !isEmpty || Self.size(of: path + "-wal") == 0 else {
      throw .damaged(path, "it is \(byteCount == nil ? "missing" : "empty"), though \(name)-wal holds changes to it")
    }
  }

  /// Makes an empty file where there is none, for nobody else to read. SQLite gives the files beside it the same
  /// mode.
  func create() throws(StoreOpenError) {
    guard byteCount == nil else { return }
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw .inUse(path) }
      if errno == ENOSPC || errno == EDQUOT { throw .exhausted(path) }
      throw .file(path, "cannot be created (\(Self.reason))")
    }
    close(descriptor)
  }

  /// Makes the names of the database and the files beside it last. SQLite does so too, but passes over a failure.
  func syncFolder() throws(StoreOpenError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .folder(folder, "cannot be opened (\(Self.reason))") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .folder(folder, "cannot be synced (\(Self.reason))") }
  }

  /// Whether the file is what a creation left that did not get to its end, and that SQLite will undo: the rollback
  /// journal beside it is valid and says that the database had no pages before
  /// (sqlite.org/fileformat.html, "The Rollback Journal").
  var isUnfinished: Bool {
    let descriptor = open(path + "-journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var header = [UInt8](repeating: 0, count: 28)
    guard read(descriptor, &header, header.count) == header.count else { return false }
    return header.starts(with: [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]) && header[16..<20] == [0, 0, 0, 0]
  }

  private static func split(_ given: String) throws(StoreOpenError) -> (folder: String, name: String) {
    guard !given.isEmpty else { throw .path(given, "is empty: name a file") }
    guard !given.utf8.contains(0) else {
      let visible = given.split(separator: "\0", omittingEmptySubsequences: false).joined(separator: "\\0")
      throw .path(visible, "has a NUL in it: leave it out")
    }
    let slash = given.lastIndex(of: "/")
    let name = String(given[(slash.map { given.index(after: $0) } ?? given.startIndex)...])
    guard !["", ".", ".."].contains(name) else { throw .path(given, "names a folder: name a file in it") }
    guard name.utf8.count <= maxNameBytes else {
      throw .path(given, "ends in too long a name (\(name.utf8.count) bytes): name one of at most \(maxNameBytes)")
    }
    guard let slash else { return (".", name) }
    return (slash == given.startIndex ? "/" : String(given[..<slash]), name)
  }

  /// - Returns: the folder's absolute path.
  private static func checkedFolder(_ given: String) throws(StoreOpenError) -> String {
    guard let resolved = realpath(given, nil) else {
      throw .folder(given, errno == ENOENT ? "does not exist: make it, with mode 0700" : "cannot be used (\(reason))")
    }
    defer { free(resolved) }
    let folder = String(cString: resolved)
    var status = stat()
    guard stat(folder, &status) == 0 else { throw .folder(folder, "cannot be looked at (\(reason))") }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .folder(folder, "is not a folder: name a file in one") }
    let user = geteuid()
    guard status.st_uid == 0 || status.st_uid == user else {
      throw .folder(folder, "belongs to user \(status.st_uid): give it to keywardd's own user, \(user)")
    }
    guard status.st_mode & 0o077 == 0 else {
      let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
      // A folder that many use, like /tmp, is not to be shut for keyward's sake.
      let isShared = status.st_mode & S_ISVTX != 0 || status.st_uid != user
      throw .folder(
        folder,
        "is open to others (mode \(mode)): "
          + (isShared ? "name a database in a folder of its own, with mode 0700" : "run chmod 700 \(folder)"))
    }
    guard faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0 else {
      throw .folder(folder, "cannot be written (\(reason)): let user \(user) write it")
    }
    return folder
  }

  /// - Returns: nil where there is no file.
  private static func checkedSize(of path: String) throws(StoreOpenError) -> Int? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw .file(path, "cannot be looked at (\(reason))")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .path(path, "names a folder: name a file in it")
    case S_IFLNK: throw .path(path, "names a symbolic link: name the file it leads to")
    default: throw .path(path, "names no regular file: name another")
    }
    guard faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0 else {
      throw .file(path, "cannot be read and written (\(reason)): give it to user \(geteuid())")
    }
    return Int(status.st_size)
  }

  /// 0 also where there is no such file.
  private static func size(of path: String) -> Int {
    var status = stat()
    return lstat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private static var reason: String { String(cString: strerror(errno)) }
}
