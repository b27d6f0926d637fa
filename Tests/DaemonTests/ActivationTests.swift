import Foundation
import KeywardClient
import KeywardCore
import TestSupport
import Testing

private let activator = "/usr/bin/systemd-socket-activate"

/// Socket activation as systemd does it, by its own stand-in.
@Suite(
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: activator),
    "needs systemd-socket-activate, of Debian's package systemd; make test installs it"))
struct ActivationTests {
  @Test func `A socket that systemd passes is served, and not removed at the end`() throws {
    let scratch = try Scratch()
    let daemon = try Activated(scratch)
    // The stand-in listens from its start and starts the daemon at the first connection.
    let client = try daemon.client()
    let secret = try client.createKey(CreateKey(name: try KeyName("k"), permission: .chat)).secret
    #expect(try client.validate(secret, for: .chat).verdict == .valid)
    #expect(daemon.end() == 0)
    #expect(FileManager.default.fileExists(atPath: scratch.socket))
    #expect(daemon.log.contains("socket=\(scratch.socket)"))
  }

  @Test(arguments: [true, false])
  func `Another socket asked for contradicts the one that was passed`(onCommandLine: Bool) throws {
    let scratch = try Scratch()
    let other = scratch.open + "/other"
    let daemon = try Activated(
      scratch, arguments: onCommandLine ? ["--socket", other] : [],
      environment: onCommandLine ? [:] : ["KEYWARD_SOCKET": other])
    // The connection makes the stand-in start the daemon, which leaves at once.
    let peer = try RawConnection(scratch.socket)
    #expect(daemon.wait() == EX_USAGE)
    #expect(daemon.log.contains("contradicts"))
    withExtendedLifetime(peer) {}
  }
}

/// A daemon started by the first connection to a socket that another process made.
private final class Activated {
  private let scratch: Scratch
  private let process = Process()
  private let errors = Pipe()
  /// What the process said, once it has ended.
  private(set) var log = ""

  init(_ scratch: Scratch, arguments: [String] = [], environment: [String: String] = [:]) throws {
    self.scratch = scratch
    process.executableURL = URL(fileURLWithPath: activator)
    process.arguments =
      ["--listen=\(scratch.socket)"] + environment.map { "--setenv=\($0.key)=\($0.value)" } + [
        Products.daemon, "--database", scratch.database,
      ] + arguments
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KEYWARD_") }
    process.standardError = errors
    try process.run()
    // It says «Listening on …» before it waits.
    let first = errors.fileHandleForReading.availableData
    try #require(!first.isEmpty, "the stand-in said nothing")
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  func client() throws -> Client { try Client(Client.Options(socketPath: scratch.socket)) }

  func end() -> Int32 {
    // The stand-in becomes the daemon, by exec(3).
    kill(process.processIdentifier, SIGTERM)
    return wait()
  }

  func wait() -> Int32 {
    process.waitUntilExit()
    // All it said lies in the pipe. Its end is not waited for: a child of another test may hold it open.
    let fd = errors.fileHandleForReading.fileDescriptor
    _ = fcntl(fd, F_SETFL, O_NONBLOCK)
    var said = [UInt8](repeating: 0, count: 64 * 1024)
    let count = read(fd, &said, said.count)
    log = String(decoding: said.prefix(max(0, count)), as: UTF8.self)
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }
}
