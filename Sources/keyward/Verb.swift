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

  /// A variable that is set to nothing counts as not set.
  private var socketPath: String {
    if let socket { return socket }
    let variable = getenv("KEYWARD_SOCKET").map { String(cString: $0) } ?? ""
    return variable.isEmpty ? Client.Options().socketPath : variable
  }

  func connect() throws(CommandFailure) -> Daemon {
    try Daemon(socketPath: socketPath)
  }
}

/// The daemon, as the verbs ask it: what goes wrong comes back as what to tell the person.
struct Daemon {
  private let client: Client
  private let socketPath: String

  fileprivate init(socketPath: String) throws(CommandFailure) {
    self.socketPath = socketPath
    do throws(ClientError) {
      client = try Client(Client.Options(socketPath: socketPath))
    } catch {
      throw CommandFailure(error, socketPath: socketPath)
    }
  }

  func ask<Answer>(_ question: (Client) throws(ClientError) -> Answer) throws(CommandFailure) -> Answer {
    do throws(ClientError) {
      return try question(client)
    } catch {
      throw CommandFailure(error, socketPath: socketPath)
    }
  }
}
