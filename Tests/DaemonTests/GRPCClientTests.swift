import Foundation
import KeywardClient
import KeywardCore
import TestSupport
import Testing

/// Stock clients of gRPC and HTTP/2, as anybody has them, against a real daemon. They share no code with keyward.
@Suite struct GRPCClientTests {
  private static let python = ProcessInfo.processInfo.environment["KEYWARD_GRPC_PYTHON"].flatMap {
    $0.isEmpty ? nil : $0
  }
  private static let buf = ProcessInfo.processInfo.environment["KEYWARD_BUF"].flatMap { $0.isEmpty ? nil : $0 }
  private static let curl = "/usr/bin/curl"
  private static let h2load = "/usr/bin/h2load"

  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let script = tests.path + "/PythonClient/client.py"

  private static func has(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

  @Test(
    .enabled(if: python != nil, "KEYWARD_GRPC_PYTHON does not name a Python with gRPC: make grpc-clients makes one"))
  func `A Python program calls every method, and is told of errors, health and descriptors`() throws {
    let daemon = try Daemon()
    let run = try Command([try #require(Self.python), Self.script, daemon.scratch.socket])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test(
    .enabled(if: python != nil, "KEYWARD_GRPC_PYTHON does not name a Python with gRPC: make grpc-clients makes one"))
  func `A Python program that watches is told of the end, and the daemon ends at once`() throws {
    let daemon = try Daemon()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = [Self.script, daemon.scratch.socket, "watch"]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    var said = ""
    while !said.contains("serving") {
      let more = output.fileHandleForReading.availableData
      try #require(!more.isEmpty, "it ended: \(said)")
      said += String(decoding: more, as: UTF8.self)
    }
    #expect(daemon.end() == 0)
    process.waitUntilExit()
    let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(words)")
  }

  @Test(
    .enabled(if: python != nil, "KEYWARD_GRPC_PYTHON does not name a Python with gRPC: make grpc-clients makes one"))
  func `The example's cache of verdicts obeys each change, and serves nothing without its stream`() throws {
    let daemon = try Daemon()
    let examples = Self.tests.deletingLastPathComponent().deletingLastPathComponent().path + "/examples/python"
    let run = try Command([
      try #require(Self.python), "-B", Self.tests.path + "/PythonClient/cache.py", examples, daemon.scratch.socket,
    ])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test(
    .enabled(if: python != nil, "KEYWARD_GRPC_PYTHON does not name a Python with gRPC: make grpc-clients makes one"))
  func `The example's command asks once and then serves what it was told`() throws {
    let daemon = try Daemon()
    let made = try daemon.client().createKey(CreateKey(name: try KeyName("key"), permission: .chat))
    let example =
      Self.tests.deletingLastPathComponent().deletingLastPathComponent().path
      + "/examples/python/cached_validation.py"
    let run = try Command(
      [try #require(Self.python), "-B", example, daemon.scratch.socket],
      input: made.secret.text + "\n" + made.secret.text)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "VERDICT_VALID asked\nVERDICT_VALID cached\n")
  }

  @Test(.enabled(if: buf != nil, "KEYWARD_BUF does not name buf: .make/buf installs it"))
  func `buf curl finds a method by reflection and calls it`() throws {
    let daemon = try Daemon()
    let run = try Command([
      try #require(Self.buf), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--unix-socket",
      daemon.scratch.socket, "--data", #"{"secret": "kw_nonsense", "permission": "PERMISSION_CHAT"}"#,
      "http://localhost/keyward.v1.ValidationService/ValidateKey",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("VERDICT_MALFORMED"))
  }

  @Test(.enabled(if: has(curl), "curl is not installed"))
  func `curl sees the status of a call`() throws {
    let daemon = try Daemon()
    let request = daemon.scratch.closed + "/request"
    try Data([0, 0, 0, 0, 0]).write(to: URL(fileURLWithPath: request))
    let run = try Command([
      Self.curl, "--silent", "--http2-prior-knowledge", "--unix-socket", daemon.scratch.socket, "--dump-header", "-",
      "--output", "/dev/null", "--header", "content-type: application/grpc", "--header", "te: trailers",
      "--data-binary", "@" + request, "http://localhost/keyward.v1.ControlService/WhoAmI",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("HTTP/2 200"))
    #expect(run.output.contains("grpc-status: 0"))
  }

  @Test(.enabled(if: has(h2load), "h2load is not installed"))
  func `h2load's many streams on many connections are all answered`() throws {
    let daemon = try Daemon()
    let request = daemon.scratch.closed + "/request"
    try Data([0, 0, 0, 0, 0]).write(to: URL(fileURLWithPath: request))
    let run = try Command([
      Self.h2load, "-n", "20000", "-c", "16", "-m", "64", "-d", request, "-H", "content-type: application/grpc", "-H",
      "te: trailers", "-B", "unix:" + daemon.scratch.socket, "http://localhost/keyward.v1.ControlService/WhoAmI",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("20000 succeeded, 0 failed, 0 errored"), "\(run.output)")
  }
}
