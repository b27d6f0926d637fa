import CommandSupport
import Glibc
import KeywardCore
import KeywardStore

/// Says on standard output what a walk along the audit of a database finds, which is opened for that and held alone.
/// - Returns: the exit status: 0 where the audit is sound, 1 where it is not.
func verifyAuditOffline(at path: String) throws(StartError) -> Int32 {
  // Opening would make a database where there is none, whose audit is sound.
  guard access(path, F_OK) == 0 else {
    throw StartError("the database \(path) is not there: name one with --database", status: EX_NOINPUT)
  }
  umask(0o077)
  let store = try openStore(path)
  let summary: AuditSummary
  do throws(StoreError) {
    summary = AuditSummary(try store.verifyAudit())
  } catch {
    throw StartError("the audit cannot be read: \(error.message)", status: EX_DATAERR)
  }
  store.close()
  let lines = summary.findings + [summary.conclusion]
  writeToStandardOutput(lines.joined(separator: "\n") + "\n")
  return summary.isSound ? EX_OK : 1
}

private func writeToStandardOutput(_ text: String) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { return }
    bytes = bytes.dropFirst(max(0, count))
  }
}
