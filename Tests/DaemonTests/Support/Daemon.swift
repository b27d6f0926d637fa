import Foundation
import KeywardClient
import TestSupport
import Testing

/// A real keywardd on sockets and files of its own.
final class Daemon {
  let scratch: Scratch
  private let process: Process
  private let log: URL

  /// Starts a daemon and returns when it has said READY=1 to the service manager, whose part the test plays.
  /// - Parameters:
  ///   - scratch: another daemon's folders, to start again on them.
  ///   - wrapper: a command that starts the daemon, with its own arguments.
  init(
    _ scratch: Scratch? = nil, wrapper: [String] = [], program: String = Products.daemon, arguments: [String]? = nil,
    environment: [String: String] = [:]
  ) throws {
    let scratch = try scratch ?? Scratch()
    self.scratch = scratch
    log = URL(fileURLWithPath: scratch.closed + "/log-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    let manager = try NotifySocket(path: Self.managerPath(scratch))
    process = Process()
    let command =
      wrapper + [program]
      + (arguments ?? ["--socket", scratch.socket, "--database", scratch.database])
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("KEYWARD_") }
      .merging(["NOTIFY_SOCKET": manager.path]) { $1 }.merging(environment) { $1 }
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let state = try manager.receive()
    try #require(state == "READY=1", "the daemon said \(state ?? "nothing"): \(logText)")
  }

  deinit {
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  var pid: pid_t { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// - Returns: the exit status, or minus the signal that ended it.
  func end(_ signal: Int32 = SIGTERM) -> Int32 {
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// Sends SIGHUP and returns when the daemon has told the service manager, whose part the test plays, that it is done.
  func reloadBySignal() throws {
    let manager = try NotifySocket(path: Self.managerPath(scratch))
    kill(process.processIdentifier, SIGHUP)
    let begun = try manager.receive()
    try #require(begun?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true, "the daemon said \(begun ?? "nothing")")
    let state = try manager.receive()
    try #require(state == "READY=1", "the daemon said \(state ?? "nothing")")
  }

  private static func managerPath(_ scratch: Scratch) -> String { scratch.closed + "/n" }

  func client() throws(ClientError) -> Client {
    try Client(Client.Options(socketPath: scratch.socket))
  }
}

/// The service manager's end of sd_notify(3).
private final class NotifySocket {
  let path: String
  private let fd: Int32

  init(path: String) throws {
    self.path = path
    unlink(path)
    fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let bound = withSocketAddress(path) { bind(fd, $0, $1) }
    try #require(bound == 0, "cannot bind \(path)")
    // A daemon of another user tells it too.
    chmod(path, 0o666)
  }

  deinit {
    close(fd)
    unlink(path)
  }

  /// The next datagram, nil if none comes in a minute.
  func receive() throws -> String? {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = recv(fd, &bytes, bytes.count, 0)
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
