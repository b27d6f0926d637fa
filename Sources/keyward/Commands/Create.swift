import ArgumentParser
import CommandSupport
import KeywardClient
import KeywardCore

struct Create: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Makes a key and shows its secret, once.",
    discussion: """
      Where standard output is no terminal, the secret alone is written there, and the rest to standard error: \
      keyward create mailer --permission secure-mail > secret-file.
      """)

  @Argument(help: "What to call the key: 1 to \(KeyName.maxCount) characters.")
  var name: String

  @Option(help: "The one channel the key opens.")
  var permission: Permission

  @Option(
    help: ArgumentHelp(
      "When the key stops working (default: never).",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), a span from now (90d; also \
        s, m, h, w, mo for months, y), or never.
        """, valueName: "when"),
    transform: { (text) throws in try Expiry(text) })
  var expires: Expiry = .never

  @Flag(help: "Make the key switched off.")
  var disabled = false

  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let times = Times()
    let request = try request(now: times.now)
    guard output.canBeRead else {
      throw CommandFailure(
        .inputOutput, "standard output is closed, and the secret is shown only once: no key was made")
    }
    let (view, secret) = try common.connect().ask { (client) throws(ClientError) in try client.createKey(request) }
    do throws(CommandFailure) {
      try print(view, secret, KeyOutput(times: times), to: output)
      try output.flush()
      if output.readerIsGone { throw CommandFailure(.inputOutput, "nobody reads standard output any more") }
    } catch {
      throw CommandFailure(
        error.status,
        "\(error.message); the secret of the new key \(view.key.id) is lost, for it is shown only once: delete the key")
    }
    return .success
  }

  private func request(now: Instant) throws(CommandFailure) -> CreateKey {
    let name: KeyName
    do throws(DomainError) {
      name = try KeyName(self.name)
    } catch {
      throw CommandFailure(error)
    }
    do throws(ExpiryError) {
      return CreateKey(
        name: name, permission: permission, enabled: !disabled, expireTime: try expires.instant(now: now))
    } catch {
      throw CommandFailure(.badData, "--expires \(error)")
    }
  }

  private func print(
    _ view: KeyView, _ secret: Secret, _ form: KeyOutput, to output: StandardOutput
  ) throws(CommandFailure) {
    guard secret.isPrintable else { throw CommandFailure(.violation, "the daemon sent a secret of no known form") }
    let warning = "The secret is shown once: store it now."
    switch common.output {
    case .json:
      try output.write("{\"key\": \(JSON(view).text), \"secret\": \"")
      try output.write(secret)
      try output.write("\"}\n")
    case .table where output.isTerminal:
      let palette = Palette(isTerminal: true)
      try output.write(form.shortCard(view).lines(palette) + "\n")
      try output.write(secret)
      try output.write("\n\n" + palette.paint(warning, .yellow) + "\n")
    case .table:
      try output.write(secret)
      try output.write("\n")
      try output.flush()
      writeToStandardError(form.shortCard(view).lines(Palette(isTerminal: false)) + warning + "\n")
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
