import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// The daemon's life: starting, ending well and badly, and starting again.
@Suite struct LifecycleTests {
  private func create(_ name: String, on client: Client) throws -> Secret {
    try client.createKey(CreateKey(name: try KeyName(name), permission: .chat)).secret
  }

  @Test func `A key still validates after kill -9 and a restart`() throws {
    let first = try Daemon()
    let secret = try create("Web chat", on: first.client())
    #expect(first.end(SIGKILL) == -SIGKILL)
    let second = try Daemon(first.scratch)
    let validation = try second.client().validate(secret, for: .chat)
    #expect(validation.verdict == .valid)
    #expect(validation.subject?.name.text == "Web chat")
  }

  @Test func `Ten thousand keys made over one connection are all there after a restart`() throws {
    let first = try Daemon()
    let client = try first.client()
    var last: Secret?
    for number in 1...10_000 { last = try create("key \(number)", on: client) }
    #expect(first.end(SIGKILL) == -SIGKILL)
    let second = try Daemon(first.scratch)
    let status = try second.client().status()
    #expect(status.keyCount == 10_000)
    #expect(status.revision == 10_000)
    #expect(try second.client().validate(try #require(last), for: .chat).verdict == .valid)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `A signal ends it with status 0 and leaves nothing but the database`(signal: Int32) throws {
    let daemon = try Daemon()
    _ = try create("k", on: daemon.client())
    let silent = try RawConnection(daemon.scratch.socket)
    #expect(daemon.end(signal) == 0)
    #expect(try silent.receive() == nil)
    #expect(!FileManager.default.fileExists(atPath: daemon.scratch.socket))
    let left = try FileManager.default.contentsOfDirectory(atPath: daemon.scratch.closed)
    #expect(left.filter { !$0.hasPrefix("log-") } == ["keyward.db"])
  }

  @Test func `Calls that came before SIGTERM are answered, and what was answered is kept`() throws {
    let first = try Daemon()
    let peer = try RawConnection(first.scratch.socket)
    let names = (0..<200).map { "drained \($0)" }
    var frames: [UInt8] = []
    for (index, name) in names.enumerated() {
      let key = CreateKey(name: KeyName(checked: name), permission: .chat)
      frames += try peer.frame(.createKey(key), stream: UInt32(index * 2 + 1))
    }
    peer.send(frames)
    // Once one is answered, the rest has been read with it: the frames came in one write.
    var answered = try #require(try peer.receive(.createKey)).1.isSuccess ? 1 : 0
    kill(first.pid, SIGTERM)
    while let (_, result) = try peer.receive(.createKey) { answered += result.isSuccess ? 1 : 0 }
    #expect(answered == names.count)
    _ = first.end()
    let second = try Daemon(first.scratch)
    #expect(try second.client().status().keyCount == names.count)
  }

  @Test func `A daemon that has run out of descriptors stops as it should`() throws {
    let daemon = try Daemon()
    let peer = try RawConnection(daemon.scratch.socket)
    peer.send(try peer.frame(.getStatus, stream: 1))
    #expect(try peer.receive() != nil)
    // From here on no connection can be accepted, and the listener pauses again and again.
    let limited = try Command(["/usr/bin/prlimit", "--pid=\(daemon.pid)", "--nofile=8:8"])
    #expect(limited.status == 0)
    let crowd = try (0..<10).map { _ in try RawConnection(daemon.scratch.socket) }
    for stream in stride(from: 3, through: 99, by: 2) as StrideThrough<UInt32> {
      peer.send(try peer.frame(.getStatus, stream: stream))
      #expect(try peer.receive() != nil)
    }
    #expect(daemon.end() == 0)
    #expect(daemon.logText.contains("connection not taken"))
    withExtendedLifetime(crowd) {}
  }

  @Test(arguments: [24, 32, 63])
  func `A daemon with too few descriptors says so and never traps`(limit: Int) throws {
    let scratch = try Scratch()
    let daemon = try Command(
      ["/usr/bin/prlimit", "--nofile=\(limit):\(limit)", Products.daemon]
        + ["--socket", scratch.socket, "--database", scratch.database])
    #expect(daemon.status == EX_CONFIG)
    #expect(daemon.errors.contains("64"))
  }

  @Test func `A log that nobody reads any more ends nothing`() throws {
    let scratch = try Scratch()
    let daemon = try Daemon(
      scratch, wrapper: ["/bin/bash", "-c", "exec \"$0\" \"$@\" 2> >(exec head -n 1 > /dev/null)"])
    let client = try daemon.client()
    for number in 0..<20 { _ = try create("k\(number)", on: client) }
    #expect(try client.status().keyCount == 20)
  }

  @Test func `A second daemon on the same database is refused and the first goes on`() throws {
    let daemon = try Daemon()
    let secret = try create("k", on: daemon.client())
    let second = try Command([
      Products.daemon, "--socket", daemon.scratch.open + "/other", "--database", daemon.scratch.database,
    ])
    #expect(second.status == EX_UNAVAILABLE)
    #expect(second.errors.contains("is in use by another keywardd"))
    #expect(!FileManager.default.fileExists(atPath: daemon.scratch.open + "/other"))
    #expect(try daemon.client().validate(secret, for: .chat).verdict == .valid)
  }

  @Test func `A socket in a folder that is not there is refused with what to do`() throws {
    let scratch = try Scratch()
    let daemon = try Command([
      Products.daemon, "--socket", scratch.open + "/none/s", "--database", scratch.database,
    ])
    #expect(daemon.status == EX_CONFIG)
    #expect(daemon.errors.contains("make its folder"))
  }

  @Test func `The pages that the start alone needed are given up by the time it is ready`() throws {
    let daemon = try Daemon()
    let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
    func kibibytes(_ field: String) throws -> Int {
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(field):") })
      return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
    let (most, now) = (try kibibytes("VmHWM"), try kibibytes("VmRSS"))
    #expect(now < most * 3 / 4, "\(now) of \(most) KiB")
    #expect(try daemon.client().status().keyCount == 0)
  }

  @Test func `A signal right after the start is not lost`() throws {
    for _ in 0..<20 { #expect(try Daemon().end() == 0) }
  }

  @Test func `A live socket is not taken over`() throws {
    let daemon = try Daemon()
    let other = try Scratch()
    let second = try Command([
      Products.daemon, "--socket", daemon.scratch.socket, "--database", other.database,
    ])
    #expect(second.status == EX_UNAVAILABLE)
    #expect(second.errors.contains("another process listens there"))
    #expect(throws: Never.self) { try daemon.client().whoAmI() }
  }

  @Test func `A stale socket file is replaced`() throws {
    let first = try Daemon()
    _ = first.end(SIGKILL)
    #expect(FileManager.default.fileExists(atPath: first.scratch.socket))
    let second = try Daemon(first.scratch)
    #expect(throws: Never.self) { try second.client().whoAmI() }
  }

  @Test func `Another kind of file in the socket's place is left alone`() throws {
    let scratch = try Scratch()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: scratch.socket))
    let daemon = try Command([Products.daemon, "--socket", scratch.socket, "--database", scratch.database])
    #expect(daemon.status == EX_CONFIG)
    #expect(daemon.errors.contains("is there and not a socket"))
    #expect(try String(contentsOfFile: scratch.socket, encoding: .utf8) == "mine")
  }

  @Test func `A socket's path too long for sun_path is refused with its limit`() throws {
    let scratch = try Scratch()
    let path = scratch.open + "/" + String(repeating: "s", count: 107)
    let daemon = try Command([Products.daemon, "--socket", path, "--database", scratch.database])
    #expect(daemon.status == EX_CONFIG)
    #expect(daemon.errors.contains("107"))
    let client = try Command([Products.client, "whoami", "--socket", path])
    #expect(client.status == EX_UNAVAILABLE)
    #expect(client.errors.contains("107"))
  }

  @Test(arguments: [0o755, 0o750, 0o777] as [mode_t])
  func `A database's folder that others may enter is refused`(mode: mode_t) throws {
    let scratch = try Scratch()
    chmod(scratch.closed, mode)
    let daemon = try Command([Products.daemon, "--socket", scratch.socket, "--database", scratch.database])
    #expect(daemon.status == EX_CONFIG)
    #expect(daemon.errors.contains("chmod 700"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.closed).isEmpty)
  }

  @Test func `A foreign or missing database place is refused and untouched`() throws {
    let scratch = try Scratch()
    let foreign = Data("not a database, but somebody's".utf8)
    try foreign.write(to: URL(fileURLWithPath: scratch.database))
    let daemon = try Command([Products.daemon, "--socket", scratch.socket, "--database", scratch.database])
    #expect(daemon.status == EX_DATAERR)
    #expect(daemon.errors.contains("is not a keyward database"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.database)) == foreign)
    let missing = try Command([
      Products.daemon, "--socket", scratch.socket, "--database", scratch.closed + "/none/keyward.db",
    ])
    #expect(missing.status == EX_CONFIG)
    #expect(missing.errors.contains("does not exist"))
    #expect(!FileManager.default.fileExists(atPath: scratch.socket))
  }

  @Test(arguments: [
    ["--socket", "/a", "--socket", "/b"], ["--log-level", "loud"], ["--sockets", "/a"], ["extra"], ["--database", ""],
  ])
  func `Options that make no sense together or at all are a usage error`(arguments: [String]) throws {
    let daemon = try Command([Products.daemon] + arguments)
    #expect([EX_USAGE, EX_CONFIG].contains(daemon.status))
    #expect(!daemon.errors.isEmpty)
  }
}

extension Result {
  var isSuccess: Bool {
    if case .success = self { true } else { false }
  }
}
