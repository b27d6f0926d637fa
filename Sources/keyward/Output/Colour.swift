import Glibc

/// The colours a terminal has for us.
enum Colour: String {
  case green = "32"
  case yellow = "33"
  case red = "31"
  case dim = "2"
  case bold = "1"
}

/// Whether to use them: only for a terminal, and not where its user does not want them (no-color.org) or it has none.
struct Palette {
  let isColoured: Bool

  init(isTerminal: Bool, environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }) {
    isColoured = isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
  }

  func paint(_ text: String, _ colour: Colour?) -> String {
    guard isColoured, let colour, !text.isEmpty else { return text }
    return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
  }
}
