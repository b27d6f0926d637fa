import CommandSupport
import Glibc

/// Asking the person at the terminal.
enum Confirmation {
  /// Whether there is one to ask.
  static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

  /// Asks a question on standard error.
  /// - Returns: whether the answer, from standard input, is yes; no answer is a no.
  static func ask(_ question: String) -> Bool {
    writeToStandardError("\(question.printable) [y/N] ")
    return isYes(readLine() ?? "")
  }

  static func isYes(_ answer: String) -> Bool {
    ["y", "yes"].contains(answer.trimmingPrefix { $0 == " " }.prefix { $0 != " " }.lowercased())
  }
}
