import Glibc
import KeywardStore
import UnixSocket

/// Why the daemon does not start, and the exit status that says so (sysexits(3)).
struct StartError: Error {
  let message: String
  let status: Int32

  init(_ message: String, status: Int32) {
    self.message = message
    self.status = status
  }

  init(_ error: StoreOpenError) {
    let status =
      switch error {
      case .path, .folder: EX_CONFIG
      case .file: EX_IOERR
      case .foreign, .newer, .damaged: EX_DATAERR
      case .inUse: EX_UNAVAILABLE
      case .exhausted: EX_IOERR
      }
    self.init(error.message, status: status)
  }

  init(_ error: ListenError) {
    let status =
      switch error {
      case .inUse: EX_UNAVAILABLE
      case .notASocket, .notListening, .path, .folder: EX_CONFIG
      case .contradiction: EX_USAGE
      case .system: EX_OSERR
      }
    self.init(error.message, status: status)
  }

  init(_ error: SystemError) {
    self.init("\(error)", status: EX_OSERR)
  }
}
