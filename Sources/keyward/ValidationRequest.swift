import Glibc
import KeywardClient
import KeywardCore

/// One secret to be judged and how to print the verdict, however the command line was read.
struct ValidationRequest: Equatable {
  let permission: Permission
  let source: SecretSource
  let socketPath: String
  let form: OutputForm

  /// - Parameters: the options' values; nil for those not given.
  init(permission: Permission, file: String?, socket: String?, form: OutputForm) {
    self.permission = permission
    self.form = form
    source = SecretSource(file: file, variableIsSet: getenv(SecretSource.variable) != nil)
    socketPath = CommonOptions.socketPath(socket)
  }

  /// - Parameter later: the instant to judge by; nil for now.
  func perform(_ output: StandardOutput, asOf later: Instant? = nil) throws(CommandFailure) -> ExitStatus {
    let secret = try source.read()
    let validation = try Daemon(socketPath: socketPath).ask { (client) throws(ClientError) in
      try client.validate(secret, for: permission, asOf: later)
    }
    switch form {
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

extension ValidationRequest {
  /// Reads `validate --permission P [--file F] [--socket S] [--output O]`, the options in any order: what is asked for
  /// every time that somebody presents a secret to a script. The argument parser takes longer to set up than all else
  /// that such a process does.
  /// - Returns: nil for any other command line, a wrong one too, which the parser is to read.
  init?(plain arguments: [String]) {
    guard arguments.first == "validate", !arguments.count.isMultiple(of: 2) else { return nil }
    var (permission, file, socket, form): (Permission?, String?, String?, OutputForm?)
    for index in stride(from: 1, to: arguments.count, by: 2) {
      let value = arguments[index + 1]
      guard !value.isEmpty, !value.utf8.starts(with: [UInt8(ascii: "-")]) else { return nil }
      switch arguments[index] {
      case "--permission" where permission == nil:
        guard let known = Permission(name: value) else { return nil }
        permission = known
      case "--file" where file == nil: file = value
      case "--socket" where socket == nil: socket = value
      case "--output" where form == nil:
        guard let known = OutputForm(rawValue: value) else { return nil }
        form = known
      default: return nil
      }
    }
    guard let permission else { return nil }
    self.init(permission: permission, file: file, socket: socket, form: form ?? .table)
  }
}
