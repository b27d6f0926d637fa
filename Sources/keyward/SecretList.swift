import CommandSupport
import Glibc
import KeywardCore

/// Secrets in a file or on standard input, one a line.
struct SecretList {
  /// One for each line, an empty one too; without what goes past ``SecretSource/maxByteCount``.
  let secrets: [Secret]

  /// - Parameter path: `-` for standard input.
  /// - Throws: ``CommandFailure`` where there is no line, and for one that nobody could present, by its number.
  static func read(_ path: String) throws(CommandFailure) -> SecretList {
    let text =
      path == "-"
      ? try HiddenInput.reading(STDIN_FILENO, prompt: "secrets, one a line: ") { () throws(CommandFailure) in
        try ImportText.read(path)
      } : try ImportText.read(path)
    return try SecretList(text, name: path == "-" ? "standard input" : path)
  }

  init(_ text: ImportText, name: String) throws(CommandFailure) {
    let bytes = UnsafeRawBufferPointer(rebasing: text.bytes[..<text.count])
    guard !bytes.isEmpty else { throw CommandFailure(.badData, "\(name) holds no secret: give one a line") }
    var secrets: [Secret] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      var line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      if end < bytes.count, line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
      guard Self.isText(line) else {
        throw CommandFailure(
          .badData, "\(name):\(secrets.count + 1): is not UTF-8, or holds a NUL character, which nobody can present")
      }
      secrets.append(Secret(copying: UnsafeRawBufferPointer(rebasing: line.prefix(SecretSource.maxByteCount))))
      start = end + 1
    }
    self.secrets = secrets
  }

  private static func isText(_ line: UnsafeRawBufferPointer) -> Bool {
    guard !line.contains(0) else { return false }
    return (try? UTF8Span(validating: Span(_unsafeElements: line.assumingMemoryBound(to: UInt8.self)))) != nil
  }
}
