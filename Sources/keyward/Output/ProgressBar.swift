import CommandSupport
import Glibc

/// How far something long has come, on standard error where that is a terminal, and nowhere else.
struct ProgressBar {
  private let total: Int
  private let isShown: Bool
  private var shown = ""

  private static let width = 30

  init(total: Int, isShown: Bool = isatty(STDERR_FILENO) == 1) {
    self.total = total
    self.isShown = isShown && total > 0
  }

  /// `[##########--------------------]  33 %  importing, 5,000 of 15,000 keys`.
  func line(_ action: String, _ done: Int) -> String {
    let filled = Self.width * done / max(1, total)
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
    let percent = String(100 * done / max(1, total))
    let padding = String(repeating: " ", count: max(0, 3 - percent.count))
    return "[\(bar)] \(padding)\(percent) %  \(action), \(done) of \(total) keys"
  }

  mutating func show(_ action: String, _ done: Int) {
    let line = line(action, done)
    guard isShown, line != shown else { return }
    // ECMA-48: EL, erase to the line's end.
    writeToStandardError("\r\(line)\u{1B}[K")
    shown = line
  }

  /// Leaves the line empty.
  mutating func clear() {
    guard !shown.isEmpty else { return }
    writeToStandardError("\r\u{1B}[K")
    shown = ""
  }
}
