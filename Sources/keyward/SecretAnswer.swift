import CommandSupport
import KeywardClient
import KeywardCore

/// Carries out a change that makes a secret, and tells it, this once. Where standard output is no terminal, the secret
/// stands there alone, and the rest on standard error.
struct SecretAnswer {
  /// What to do where a secret was made and could not be told.
  let remedy: String
  let times: Times
  /// Whether to say that the secret is not good as the key is, for whoever did not ask for a key that is so.
  var warnsOfState = true
  /// Whether the secret takes the place of another.
  var isRotation = false

  private static let warning = "The secret is shown once: store it now."
  private static let exposure =
    "keyward: warning: the secret goes to a file that others on this host may read: make it yours alone (chmod 600),"
    + " and rotate the key if somebody may have read it\n"
  private static let repetition = "This was asked for before, and nothing more was made: the secret was shown then."

  /// - Parameter request: what is asked of the daemon.
  func perform(
    _ common: CommonOptions, _ output: StandardOutput,
    _ request: (Daemon) throws(CommandFailure) -> ChangeRequest
  ) throws(CommandFailure) -> ExitStatus {
    guard output.canBeRead else {
      throw CommandFailure(
        .inputOutput, "standard output is closed, and the secret is shown only once: nothing was done")
    }
    let daemon = try common.connect()
    let change = try request(daemon)
    let (view, secret) = try daemon.ask { (client) throws(ClientError) in try client.change(change) }
    if secret != nil, output.isFileForOthers { writeToStandardError(Self.exposure) }
    if secret != nil, warnsOfState, let warning = Self.warning(of: view) { writeToStandardError(warning) }
    do throws(CommandFailure) {
      try print(view, secret, daemon.revision, as: common.output, to: output)
      try output.flush()
      if output.readerIsGone { throw CommandFailure(.inputOutput, "nobody reads standard output any more") }
    } catch {
      guard secret != nil else { throw error }
      throw CommandFailure(
        error.status,
        "\(error.message); the new secret of the key \(view.key.id) is lost, for it is shown only once: \(remedy)")
    }
    return .success
  }

  /// `keyward: warning: …` where nobody can use the secret of a key, else nil.
  static func warning(of view: KeyView) -> String? {
    let remedy: String
    switch view.state {
    case .active: return nil
    case .expired: remedy = "keyward expire \(view.key.id) WHEN gives it a later end"
    case .disabled: remedy = "keyward enable \(view.key.id) switches it on"
    case .revoked, .deleted: remedy = "make another key"
    }
    return "keyward: warning: the key is \(view.state.name) already, so its new secret is not good: \(remedy)\n"
  }

  private func print(
    _ view: KeyView, _ secret: Secret?, _ revision: Revision, as form: OutputForm, to output: StandardOutput
  ) throws(CommandFailure) {
    guard secret?.isPrintable != false else {
      throw CommandFailure(.violation, "the daemon sent a secret of no known form")
    }
    let keys = KeyOutput(times: times)
    let card = isRotation ? keys.rotatedCard(view) : keys.shortCard(view)
    switch form {
    case .json:
      try output.write("{\"key\": \(JSON(view).text), \"secret\": \"")
      if let secret { try output.write(secret) }
      try output.write("\", \"revision\": \(JSON.int64(revision).text)}\n")
    case .table where output.isTerminal:
      let palette = Palette(isTerminal: true)
      try output.write(card.lines(palette) + "\n")
      if let secret {
        try output.write(secret)
        try output.write("\n\n")
      }
      try output.write(palette.paint(secret == nil ? Self.repetition : Self.warning, .yellow) + "\n")
    case .table:
      if let secret {
        try output.write(secret)
        try output.write("\n")
        try output.flush()
      }
      let remark = secret == nil ? Self.repetition : Self.warning
      writeToStandardError(card.lines(Palette(isTerminal: false)) + remark + "\n")
    }
  }
}

extension Secret {
  /// Whether every byte is ASCII that stands for itself on a terminal and in JSON.
  fileprivate var isPrintable: Bool {
    withUnsafeBytes { bytes in
      bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
  }
}
