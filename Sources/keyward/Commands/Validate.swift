import ArgumentParser
import Glibc
import KeywardClient
import KeywardCore

struct Validate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Says whether a secret is good for a channel: exits 0 if so, 1 if not.",
    discussion: """
      The secret is read from --file, from $\(SecretSource.variable), or from standard input, never from the command \
      line, which everybody on the host can read. One newline at its end is dropped.
      """)

  @Option(help: "The channel it is presented for.")
  var permission: Permission

  @Option(
    help: ArgumentHelp(
      "The file that holds the secret, - for standard input (default: $\(SecretSource.variable), else -).",
      valueName: "file"))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "Judge the secret as of that time, if nobody changes its key until then.",
      discussion: """
        A date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00), or a span from now (90d; \
        also s, m, h, w, mo for months, y).
        """, valueName: "when"),
    transform: { (text) throws in try Expiry(text) })
  var asOf: Expiry?

  /// What should not be there: taken, so that argument-parser does not repeat it on the terminal.
  @Argument(help: .hidden)
  var stray: [String] = []

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard stray.isEmpty else {
      throw ValidationError(
        "a secret on the command line can be read by everybody on the host: \(SecretSource.advice)")
    }
    if file?.isEmpty == true { throw ValidationError("--file is empty: \(SecretSource.advice)") }
    if asOf == .never { throw ValidationError("--as-of never comes: give a time") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let source = SecretSource(file: file, variableIsSet: getenv(SecretSource.variable) != nil)
    let asOf = try asOf?.instant(now: .now, of: "--as-of")
    let secret = try source.read()
    let validation = try common.connect().ask { (client) throws(ClientError) in
      try client.validate(secret, for: permission, asOf: asOf)
    }
    switch common.output {
    case .json: try output.write(JSON(validation).text + "\n")
    case .table:
      try output.write(Self.card(validation, Times()).lines(Palette(isTerminal: output.isTerminal)))
    }
    return ExitStatus(validation.verdict)
  }

  static func card(_ validation: Validation, _ times: Times) -> Card {
    let colour: Colour = validation.verdict == .valid ? .green : .red
    var fields: [(label: String, cell: Table.Cell)] = [("verdict", .init(validation.verdict.name, colour))]
    if let subject = validation.subject {
      fields += [
        ("id", .init(subject.id.description)), ("name", .init(subject.name.text)),
        ("holds until", .init(subject.validUntil.map(times.full) ?? "somebody changes the key")),
        ("revision", .init(String(subject.revision))),
      ]
    }
    if let retry = validation.retryTime { fields.append(("try again", .init(times.full(retry)))) }
    return Card(fields)
  }
}

extension Validate {
  /// Whether a message about a wrong command line repeats what could be a secret on it: one of ours anywhere, and with
  /// this verb any word or option's value that is not the verb's own.
  static func isRiskyToEcho(_ message: String, of arguments: [String]) -> Bool {
    let isForValidate = arguments.contains(_commandName)
    return arguments.contains { argument in
      let isOption = argument.hasPrefix("-")
      let parts = argument.drop { $0 == "-" }.split(separator: "=", maxSplits: 1)
      let isSecretAsOption = isOption && parts.first?.hasPrefix("kw_") ?? false
      return (isOption && !isSecretAsOption ? parts.dropFirst() : [argument.drop { $0 == "-" }]).contains { word in
        (isForValidate || word.hasPrefix("kw_")) && word.utf8.count > harmlessByteCount && !ownWords.contains(word)
          && message.contains(word)
      }
    }
  }

  /// No secret is so short, and a mistyped permission is worth repeating.
  private static let harmlessByteCount = 6

  private static let ownWords: Set<Substring> = ["validate", Permission.secureMail.name[...]]

  /// What to say instead.
  static let harmlessUsage = """
    keyward: the command line is wrong, and not repeated here, for a secret may be on it: \(SecretSource.advice)
    See 'keyward --help'.
    """

  /// A message with every word of the command line that begins as our secrets do cut short.
  static func masked(_ message: String, of arguments: [String]) -> String {
    arguments.filter { $0.hasPrefix("kw_") && $0.utf8.count > harmlessByteCount }.reduce(message) { message, word in
      message.split(separator: word, omittingEmptySubsequences: false).joined(separator: "kw_…")
    }
  }
}
