import CommandSupport
import Glibc
import KeywardCore

/// Where `validate` finds the secret. Never the command line, which everybody on the host can read.
enum SecretSource: Equatable {
  case standardInput
  case file(String)
  case environment

  static let variable = "KEYWARD_SECRET"

  /// What to do instead of what was done.
  static let advice = "give the secret on standard input, in a file (--file FILE) or in \(variable)"

  /// - Parameters:
  ///   - file: the option's value: a path, or `-` for standard input.
  ///   - variableIsSet: whether there is a ``variable``, even an empty one.
  init(file: String?, variableIsSet: Bool) {
    switch file {
    case "-": self = .standardInput
    case let path?: self = .file(path)
    case nil: self = variableIsSet ? .environment : .standardInput
    }
  }

  /// Enough for the daemon to see that a secret is too long, and no more.
  static let maxByteCount = PresentedSecret.maxByteCount + 1

  /// The secret, without the one newline that files and `echo` end with, and without what goes past
  /// ``maxByteCount``.
  /// - Throws: ``CommandFailure`` where there is none.
  func read() throws(CommandFailure) -> Secret {
    // Two more than are kept, for a newline of CR and LF.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.maxByteCount + 2, alignment: 1)
    defer {
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
      buffer.deallocate()
    }
    let count = try fill(buffer)
    let secret = Self.trimmed(UnsafeRawBufferPointer(rebasing: buffer[..<count])).prefix(Self.maxByteCount)
    guard !secret.isEmpty else { throw CommandFailure(.badData, "\(name) holds no secret: \(Self.advice)") }
    return Secret(copying: UnsafeRawBufferPointer(rebasing: secret))
  }

  /// Without one LF, or CR and LF, at the end.
  static func trimmed(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
    guard bytes.last == UInt8(ascii: "\n") else { return bytes[...] }
    let line = bytes.dropLast()
    return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }

  private var name: String {
    switch self {
    case .standardInput: "standard input"
    case .file(let path): path
    case .environment: Self.variable
    }
  }

  /// - Returns: how many bytes are filled; all of them where there are more.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CommandFailure) -> Int {
    switch self {
    case .standardInput:
      return try HiddenInput.reading(STDIN_FILENO, prompt: "secret: ") { () throws(CommandFailure) in
        try fill(buffer, from: STDIN_FILENO)
      }
    case .file(let path):
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
      guard descriptor >= 0 else { throw CommandFailure(.noInput, "cannot open \(path)", errno: errno) }
      defer { close(descriptor) }
      return try fill(buffer, from: descriptor)
    case .environment:
      guard let value = getenv(Self.variable) else { return 0 }
      let count = min(strlen(value), buffer.count)
      buffer.copyMemory(from: UnsafeRawBufferPointer(start: value, count: count))
      return count
    }
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32) throws(CommandFailure) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = Glibc.read(descriptor, rest.baseAddress, rest.count)
      if count > 0 {
        filled += count
        // A terminal gives a line at a time, and one line is the secret.
        if isatty(descriptor) == 1, buffer[filled - 1] == UInt8(ascii: "\n") { break }
      } else if count == 0 {
        break
      } else if errno != EINTR {
        throw CommandFailure(.inputOutput, "cannot read \(name)", errno: errno)
      }
    }
    return filled
  }
}
