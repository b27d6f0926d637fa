/// Why a store could not be opened. The database was not changed.
package enum StoreOpenError: Error, Equatable, Sendable {
  /// The path cannot name a database; the text goes on from it: "is too long …".
  case path(String, String)
  /// The folder is not fit to hold a database; the text goes on from the folder's path.
  case folder(String, String)
  /// The file cannot be used, though nothing is wrong with what it holds; the text goes on from its path.
  case file(String, String)
  /// The file is not a keyward database.
  case foreign(String)
  /// A newer keyward wrote it.
  case newer(String, version: Int, known: Int)
  /// Another process has it open.
  case inUse(String)
  /// What it holds is damaged; the text says where that shows.
  case damaged(String, String)
  /// The disk is full.
  case exhausted(String)

  /// What is wrong, and what would be right.
  package var message: String {
    switch self {
    case .path(let path, let text): "the database path \"\(path)\" \(text)"
    case .folder(let path, let text): "the folder \(path) \(text)"
    case .file(let path, let text): "the database \(path) \(text)"
    case .foreign(let path): "\(path) is not a keyward database: name another path, or move that file away"
    case .newer(let path, let version, let known):
      "the database \(path) was written by a newer keyward (schema \(version), this one knows \(known)): "
        + "install that keyward again, or restore a backup made before it"
    case .inUse(let path): "the database \(path) is in use by another keywardd: stop that one first"
    case .damaged(let path, let text): "the database \(path) is damaged: \(text); restore a backup"
    case .exhausted(let path): "the disk that holds the database \(path) is full: make room and start again"
    }
  }
}

extension StoreOpenError {
  init(_ error: SQLiteError, path: String) {
    switch error.kind {
    case .full: self = .exhausted(path)
    case .damaged: self = .damaged(path, "it does not read as it was written (\(error.reason))")
    case .misfit, .taken: self = .damaged(path, "its tables are not keyward's (\(error.reason))")
    case .busy: self = .inUse(path)
    case .inputOutput, .other: self = .file(path, "cannot be opened (\(error.reason))")
    }
  }
}
