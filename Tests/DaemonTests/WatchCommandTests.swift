import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// `keyward watch`, and the library under it, against a real daemon.
@Suite struct WatchCommandTests {
  /// A `keyward watch` that runs.
  private final class Watching {
    let process = Process()
    private let output = Pipe()
    private let errors = Pipe()
    private var said: [UInt8] = []

    init(_ arguments: [String], at scratch: Scratch) throws {
      process.executableURL = URL(fileURLWithPath: Products.client)
      process.arguments = ["watch"] + arguments
      process.environment = ProcessInfo.processInfo.environment.merging(["KEYWARD_SOCKET": scratch.socket]) { $1 }
      process.standardOutput = output
      process.standardError = errors
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    deinit {
      if process.isRunning { process.terminate() }
    }

    /// The next line of what it prints.
    func line() throws -> String {
      while true {
        if let end = said.firstIndex(of: UInt8(ascii: "\n")) {
          defer { said.removeFirst(end + 1) }
          return String(decoding: said[..<end], as: UTF8.self)
        }
        let more = output.fileHandleForReading.availableData
        try #require(!more.isEmpty, "it ended")
        said += more
      }
    }

    func json() throws -> [String: Any] {
      let line = try line()
      return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
    }

    /// - Returns: the status and what it said was wrong.
    func end(_ signal: Int32? = nil) -> (status: Int32, words: String) {
      if let signal { kill(process.processIdentifier, signal) }
      let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, words)
    }
  }

  private func create(_ name: String, _ client: Client) throws -> (key: KeyView, secret: Secret) {
    try client.createKey(CreateKey(name: try KeyName(name), permission: .chat))
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `Each change is a line as it is made, no secret among them, and a signal ends it well`(number: Int32) throws {
    let daemon = try Daemon()
    let client = try daemon.client()
    let watching = try Watching(["--output", "json"], at: daemon.scratch)
    let mark = try watching.json()
    #expect(mark["type"] as? String == "CHANGE_TYPE_UNSPECIFIED" && mark["revision"] as? String == "0")
    let made = try create("first", client)
    let line = try watching.line()
    #expect(!line.contains(made.secret.text))
    #expect(line.contains(#""type": "CHANGE_TYPE_CREATED""#) && line.contains(made.key.key.id.description))
    _ = try client.revokeKey(made.key.key.id)
    let revoked = try watching.json()
    #expect(revoked["type"] as? String == "CHANGE_TYPE_REVOKED" && revoked["revision"] as? String == "2")
    #expect((revoked["key"] as? [String: Any])?["state"] as? String == "STATE_REVOKED")
    #expect(revoked["eventTime"] is String)
    let (status, words) = watching.end(number)
    #expect(status == 0 && words.isEmpty)
  }

  @Test func `From a revision on all since is shown first, in a table with a heading`() throws {
    let daemon = try Daemon()
    let client = try daemon.client()
    for name in ["a", "b", "c"] { _ = try create(name, client) }
    let watching = try Watching(["--from", "1"], at: daemon.scratch)
    #expect(try watching.line().hasPrefix("TIME"))
    for name in ["b", "c"] { #expect(try watching.line().contains(" created           \(name) ")) }
    _ = try create("d", client)
    #expect(try watching.line().contains(" created           d "))
    #expect(watching.end(SIGINT).status == 0)
  }

  @Test func `When the daemon ends it says from where to go on, and exits as for one that is not there`() throws {
    let daemon = try Daemon()
    _ = try create("a", try daemon.client())
    let watching = try Watching(["--output", "json"], at: daemon.scratch)
    _ = try watching.line()
    #expect(daemon.end() == 0)
    let (status, words) = watching.end()
    #expect(status == EX_UNAVAILABLE && words.contains("go on from revision 1"))
    let absent = try Command.keyward(["watch"], at: daemon.scratch)
    #expect(absent.status == EX_UNAVAILABLE)
  }

  @Test(arguments: [("99", EX_DATAERR, "newest"), ("0", EX_USAGE, "1 or later"), ("-3", EX_USAGE, "--from")])
  func `A revision that cannot be gone on from is told as that`(from: String, status: Int32, word: String) throws {
    let daemon = try Daemon()
    let run = try Command.keyward(["watch", "--from", from], at: daemon.scratch)
    #expect(run.status == status && run.errors.contains(word) && run.output.isEmpty)
  }

  @Test func `Where gRPC is switched off it says so`() throws {
    let host = try Configured("[server]\ngrpc = false\n")
    let run = try Command.keyward(["watch"], at: host.daemon.scratch)
    #expect(run.status == EX_UNAVAILABLE && run.errors.contains("grpc = false"))
  }

  @Test(.enabled(if: isRoot, "needs root, to be other users; CI is"))
  func `Over ttrpc the answer is that it is gRPC's, right or no right`() throws {
    let host = try Configured(rights: ["user:5001": .canRead])
    for uid in [5001, 5002] as [UInt32] {
      guard case .failure(let error) = try host.connect(uid: uid, gids: [100]).call(.watchKeys(after: 0)) else {
        Issue.record("it was carried out")
        return
      }
      #expect(error.code == .unimplemented && error.message.contains("gRPC"))
    }
  }

  @Test func `The library tells ten thousand changes of an import in their order, and where to go on from`() throws {
    let daemon = try Daemon()
    let client = try daemon.client()
    _ = try create("first", client)
    let watch = try KeyWatch(Client.Options(socketPath: daemon.scratch.socket))
    #expect(try watch.next() == .caughtUp(1))
    let keys = try (0..<10_000).map { number in
      KeyToImport(
        try ImportKey(
          name: try KeyName("k\(number)"), permission: .chat,
          credential: ImportCredential(digest: Secret.text("secret \(number)").digest)), secret: nil)
    }
    _ = try client.importKeys(keys)
    for revision in 2...10_001 as ClosedRange<Revision> {
      guard case .change(let event)? = try watch.next() else { throw ClientError.timedOut("no change") }
      #expect(event.revision == revision && event.type == .imported)
    }
    #expect(watch.revision == 10_001 && !watch.hasPending)
    // Nobody waits for ever: a descriptor that can be read ends the wait.
    let pipe = Pipe()
    try pipe.fileHandleForWriting.close()
    #expect(try watch.next(or: pipe.fileHandleForReading.fileDescriptor) == nil)
    let again = try KeyWatch(Client.Options(socketPath: daemon.scratch.socket), after: 1)
    guard case .change(let event)? = try again.next() else { throw ClientError.timedOut("no change") }
    #expect(event.revision == 2)
  }
}
