import ArgumentParser
import Glibc
import KeywardClient
import KeywardCore

/// What `keyward` can be told to do. ``Keyward`` calls ``perform(_:)``, once the command line is known to be right.
protocol Verb: ParsableCommand {
  /// - Returns: how to end where all went well.
  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus
}

/// How to print an answer.
enum OutputForm: String, ExpressibleByArgument, CaseIterable {
  case table
  case json
}

/// What every verb takes after it.
struct CommonOptions: ParsableArguments {
  @Option(help: "The daemon's socket (default: $KEYWARD_SOCKET, else \(Client.Options().socketPath)).")
  var socket: String?

  @Option(help: "How to print the answer.")
  var output: OutputForm = .table

  func validate() throws {
    if socket?.isEmpty == true { throw ValidationError("--socket is empty: give the path of keywardd's socket") }
  }

  /// The socket to ask at, by the option's value and the environment. A variable that is set to nothing counts as not
  /// set.
  static func socketPath(_ socket: String?) -> String {
    if let socket { return socket }
    let variable = getenv("KEYWARD_SOCKET").map { String(cString: $0) } ?? ""
    return variable.isEmpty ? Client.Options().socketPath : variable
  }

  /// - Parameter timeoutMilliseconds: what one call may take.
  func connect(
    timeoutMilliseconds: Int = Client.Options().timeoutMilliseconds
  ) throws(CommandFailure) -> Daemon {
    try Daemon(socketPath: Self.socketPath(socket), timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Prints the key that the daemon answered with: `{"key": …, "revision": …}`, or its details.
  func print(_ view: KeyView, of daemon: Daemon, to output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    switch self.output {
    case .json:
      try output.write(JSON.object([("key", JSON(view)), ("revision", .int64(daemon.revision))]).text + "\n")
    case .table:
      try output.write(KeyOutput(times: Times()).card(view).lines(Palette(isTerminal: output.isTerminal)))
    }
    return .success
  }
}

/// What verbs that change a key take.
struct EtagOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Change the key only if this is still its etag, as show --output json tells it.", valueName: "etag"))
  var etag: String?

  /// nil where none is given. What no key ever had becomes what none will have, so that the daemon finds it stale.
  var revision: Revision? { etag.map { Revision($0) ?? -1 } }
}

/// What verbs that make a secret take.
struct RequestIDOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Name this attempt: the same one again within 24 hours makes nothing more, and tells no secret.",
      valueName: "id"))
  var requestId: String?

  func requestID() throws(CommandFailure) -> RequestID? {
    guard let requestId else { return nil }
    return try judged { () throws(DomainError) in try RequestID(requestId) }
  }
}

/// Runs a check of the domain on what a person gave.
func judged<Value>(_ body: () throws(DomainError) -> Value) throws(CommandFailure) -> Value {
  do {
    return try body()
  } catch {
    throw CommandFailure(error)
  }
}

/// The daemon, as the verbs ask it: what goes wrong comes back as what to tell the person.
struct Daemon {
  let client: Client
  private let socketPath: String

  /// - Parameter timeoutMilliseconds: what one call may take.
  init(
    socketPath: String, timeoutMilliseconds: Int = Client.Options().timeoutMilliseconds
  ) throws(CommandFailure) {
    self.socketPath = socketPath
    do throws(ClientError) {
      client = try Client(Client.Options(socketPath: socketPath, timeoutMilliseconds: timeoutMilliseconds))
    } catch {
      throw CommandFailure(error, socketPath: socketPath)
    }
  }

  /// The store's revision as the last answer told it.
  var revision: Revision { client.revision }

  func ask<Answer>(_ question: (Client) throws(ClientError) -> Answer) throws(CommandFailure) -> Answer {
    do throws(ClientError) {
      return try question(client)
    } catch {
      throw failure(error)
    }
  }

  func failure(_ error: ClientError) -> CommandFailure { CommandFailure(error, socketPath: socketPath) }

  /// Has a change made that makes no secret.
  func change(_ request: ChangeRequest) throws(CommandFailure) -> KeyView {
    try ask { (client) throws(ClientError) in try client.change(request) }.key
  }
}
