import ArgumentParser
import KeywardClient
import KeywardCore

struct Validate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Says whether a secret is good for a channel: exits 0 if so, 1 if not.",
    discussion: """
      The secret is read from --file, from $\(SecretSource.variable), or from standard input, never from the command \
      line, which everybody on the host can read. One newline at its end is dropped.

      --batch judges many, one a line, and prints a verdict a line in their order; it exits 0 if all of them are good.
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
      "The file that holds many secrets, one a line, - for standard input.", valueName: "file"))
  var batch: String?

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
    if batch?.isEmpty == true { throw ValidationError("--batch is empty: give a file, or - for standard input") }
    if file != nil, batch != nil { throw ValidationError("--file and --batch contradict each other: give one of them") }
    if asOf == .never { throw ValidationError("--as-of never comes: give a time") }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    if let batch { return try judgeAll(batch, output) }
    return try request.perform(output, asOf: try instant())
  }

  /// What is asked about one secret.
  var request: ValidationRequest {
    ValidationRequest(permission: permission, file: file, socket: common.socket, form: common.output)
  }

  private func instant() throws(CommandFailure) -> Instant? {
    try asOf?.laterInstant(now: .now, of: "--as-of", else: "only later times can be asked about")
  }
}

extension Validate {
  /// Judges the secrets of a file in as many calls as they take.
  private func judgeAll(_ path: String, _ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let asOf = try instant()
    let secrets = try SecretList.read(path).secrets
    let daemon = try common.connect()
    let palette = Palette(isTerminal: output.isTerminal)
    var status = ExitStatus.success
    if common.output == .json { try output.write("{\"responses\": [") }
    for start in stride(from: 0, to: secrets.count, by: Client.maxBatchCount) where !output.readerIsGone {
      let part = secrets[start..<min(start + Client.maxBatchCount, secrets.count)]
      let validations = try daemon.ask { (client) throws(ClientError) in
        try client.validate(part.map { ($0, permission) }, asOf: asOf)
      }
      for (index, validation) in validations.enumerated() {
        if validation.verdict != .valid { status = .refused }
        switch common.output {
        case .json: try output.write((start + index == 0 ? "\n  " : ",\n  ") + JSON(validation).text)
        case .table: try output.write(Self.line(validation, palette))
        }
      }
    }
    if common.output == .json { try output.write("\n], \"revision\": \(JSON.int64(daemon.revision).text)}\n") }
    return status
  }

  /// A verdict, and what there is to say of the key.
  static func line(_ validation: Validation, _ palette: Palette) -> String {
    let verdict = palette.paint(validation.verdict.name, validation.verdict == .valid ? .green : .red)
    guard let subject = validation.subject else { return verdict + "\n" }
    let width = Verdict.allCases.map(\.name.count).max() ?? 0
    let gap = String(repeating: " ", count: width - validation.verdict.name.count + 2)
    return "\(verdict)\(gap)\(subject.id)  \(subject.name.text.printable)\n"
  }
}
