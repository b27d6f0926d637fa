/// What is wrong with the configuration. The daemon does not start with it.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// Where: `/etc/keyward/keyward.toml:3:10`, `KEYWARD_SOCKET`, `--socket`.
  let place: String
  /// What is wrong and what would be right.
  let message: String

  init(_ place: String, _ message: String) {
    self.place = place
    self.message = message
  }

  /// - Parameter position: a line and column of 0 are not known, and left out.
  init(file: String, _ position: TOMLDocument.Position, _ message: String) {
    let line = position.line > 0 ? ":\(position.line)" : ""
    let column = position.line > 0 && position.column > 0 ? ":\(position.column)" : ""
    self.init(file + line + column, message)
  }

  var description: String { "\(place): \(message)" }
}
