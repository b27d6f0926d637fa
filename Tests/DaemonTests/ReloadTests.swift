import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Reading the configuration anew while the daemon runs and connections are open.
@Suite(.enabled(if: isRoot, "needs root, to be other users; CI is"))
struct ReloadTests {
  /// How a test has the configuration read.
  enum Way: CaseIterable {
    case call
    case signal
  }

  private func reload(_ host: Configured, _ way: Way) throws {
    switch way {
    case .call: try host.daemon.client().reload()
    case .signal: try host.daemon.reloadBySignal()
    }
  }

  /// Reloads what has a mistake.
  /// - Returns: what is said of it, to the peer or in the log.
  private func failToReload(_ host: Configured, _ way: Way) throws -> String {
    switch way {
    case .call:
      do throws(ClientError) {
        try host.daemon.client().reload()
        return "it was read"
      } catch {
        guard case .refused(.failedPrecondition, let message) = error else { return "\(error)" }
        return message
      }
    case .signal:
      try host.daemon.reloadBySignal()
      return host.daemon.logText.split(separator: "\n").last { $0.contains("not reloaded") }.map(String.init) ?? ""
    }
  }

  @Test(arguments: Way.allCases)
  func `An open connection gains and loses rights at a reload, by its user and by its groups`(way: Way) throws {
    let host = try Configured(rights: [:])
    // More than there are reactors, so that each has some.
    let users = try (0..<8).map { _ in try host.connect(uid: 5001, gids: [100]) }
    let members = try (0..<8).map { _ in try host.connect(uid: 4242, gids: [100, 6001]) }
    let stranger = try host.connect(uid: 4243, gids: [100])
    func expect(_ user: Rights, _ member: Rights) throws {
      for peer in users {
        #expect(try peer.rights() == user)
        #expect(try peer.code(.getStatus) == (user.contains(.canOperate) ? .ok : .permissionDenied))
      }
      for peer in members {
        #expect(try peer.rights() == member)
        #expect(
          try peer.code(.listKeys(ListQuery(pageSize: 1))) == (member.contains(.canView) ? .ok : .permissionDenied))
      }
      #expect(try stranger.rights() == [])
    }
    try expect([], [])
    try host.write(rights: ["user:5001": .canOperate])
    try expect([], [])
    try reload(host, way)
    try expect(.canOperate, [])
    try host.write(rights: ["user:5001": .canAudit, "group:6001": [.canView, .canRead]])
    try reload(host, way)
    try expect(.canAudit, [.canView, .canRead])
    try host.write("")
    try reload(host, way)
    try expect([], [])
  }

  @Test func `The verb has it read anew, or tells the mistake with its place`() throws {
    let host = try Configured(rights: [:])
    let peer = try host.connect(uid: 5001, gids: [100])
    try host.write(rights: ["user:5001": .canView])
    let read = try Command.keyward(["reload"], at: host.daemon.scratch)
    #expect(read.status == 0 && read.output == "the configuration is in force\n")
    #expect(try peer.rights() == .canView)
    let json = try Command.keyward(["reload", "--output", "json"], at: host.daemon.scratch)
    #expect(json.json["revision"] as? String == "0")
    try host.write("[rights]\n\"user:5001\" = [\"canSee\"]\n")
    let refused = try Command.keyward(["reload"], at: host.daemon.scratch)
    #expect(refused.status == EX_DATAERR && refused.errors.contains("\(host.path):2:16: "), "\(refused.errors)")
    #expect(try peer.rights() == .canView)
  }

  @Test(arguments: Way.allCases)
  func `With a mistake in the file all stays as it was, and the mistake is told with its place`(way: Way) throws {
    let host = try Configured(rights: ["user:5001": .canView])
    let peer = try host.connect(uid: 5001, gids: [100])
    let mistakes = [
      ("[rights]\n\"user:5001\" = [\"canView\", \"canRaed\"]", ":2:27: ", "did you mean canRead?"),
      ("[rights]\n\"user:5002\" = [\"canView\"]\n\"user:no-such-user\" = []", ":3:1: ", "is unknown to this host"),
      ("[rights]\n[log]\nlevel = \"loud\"", ":3:9: ", "give error, warning"), ("[rights", ":1:8: ", "table header"),
    ]
    for (text, place, advice) in mistakes {
      try host.write(text)
      let said = try failToReload(host, way)
      #expect(said.contains(host.path + place) && said.contains(advice), "\(said)")
      #expect(try peer.rights() == .canView)
      #expect(try host.connect(uid: 5002, gids: [100]).rights() == [])
      #expect(host.daemon.logText.contains("configuration not reloaded"))
    }
    try host.write(rights: ["user:5001": .canRead])
    try reload(host, way)
    #expect(try peer.rights() == .canRead)
  }

  @Test(arguments: Way.allCases)
  func `A file that is gone takes nobody's rights away`(way: Way) throws {
    let host = try Configured(rights: ["user:5001": .canView])
    let peer = try host.connect(uid: 5001, gids: [100])
    try FileManager.default.removeItem(atPath: host.path)
    #expect(try failToReload(host, way).contains("cannot be opened"))
    #expect(try peer.rights() == .canView)
  }

  @Test func `Whoever may operate the daemon may reload it, and so withdraw that very right`() throws {
    let host = try Configured(rights: ["user:5001": .canOperate])
    let operatorPeer = try host.connect(uid: 5001, gids: [100])
    try host.write(rights: ["user:5001": .canView])
    #expect(try operatorPeer.code(.reload) == .ok)
    #expect(try operatorPeer.code(.reload) == .permissionDenied)
    #expect(try operatorPeer.rights() == .canView)
    #expect(host.daemon.logText.contains("asked_by=\"uid 5001\""))
  }

  @Test func `The socket, the database, busy polling and limits stay until a restart, which the log says`() throws {
    let scratch = try Scratch()
    let path = scratch.closed + "/k.toml"
    func write(socket: String, database: String, busyPoll: String, headers: Int) throws {
      try
        "[server]\nsocket = \"\(socket)\"\nbusy_poll = \"\(busyPoll)\"\nheader_fields = \(headers)\n[store]\ndatabase = \"\(database)\"\n"
        .write(toFile: path, atomically: true, encoding: .utf8)
    }
    try write(socket: scratch.socket, database: scratch.database, busyPoll: "1ms", headers: 64)
    // The command line goes before the file, so it may not name them.
    let daemon = try Daemon(scratch, arguments: ["--config", path])
    try write(socket: scratch.open + "/moved", database: scratch.closed + "/moved.db", busyPoll: "0us", headers: 32)
    try daemon.client().reload()
    #expect(throws: Never.self) { try daemon.client().whoAmI() }
    #expect(!FileManager.default.fileExists(atPath: scratch.open + "/moved"))
    #expect(!FileManager.default.fileExists(atPath: scratch.closed + "/moved.db"))
    for setting in ["socket", "database", "busy_poll", "header_fields"] {
      let line = daemon.logText.split(separator: "\n").last { $0.contains("setting=\(setting)") }
      #expect(line?.contains("changing it takes a restart") == true)
    }
  }

  @Test func `The log level takes effect both ways`() throws {
    let host = try Configured("[log]\nlevel = \"error\"\n")
    let client = try host.daemon.client()
    func create(_ name: String) throws {
      _ = try client.createKey(CreateKey(name: try KeyName(name), permission: .chat))
      // A change is logged after its reply, and before the store is asked for anything else.
      _ = try client.listAuditEvents(try AuditPageQuery(AuditQuery()))
    }
    func created() -> Int { host.daemon.logText.components(separatedBy: "key created").count - 1 }
    try create("a")
    #expect(created() == 0)
    try host.write("[log]\nlevel = \"info\"\n")
    try client.reload()
    try create("b")
    #expect(created() == 1)
    try host.write("[log]\nlevel = \"warning\"\n")
    try client.reload()
    try create("c")
    #expect(created() == 1)
    // Both reloads have left a line, though the second made the log quieter than it.
    #expect(host.daemon.logText.components(separatedBy: "configuration reloaded").count - 1 == 2)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/perl"), "needs Perl, to block a signal"))
  func `A SIGHUP that comes while the daemon starts is a reload once it serves`() throws {
    // It is pending from before the daemon's first instruction.
    let script = "sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGHUP)); kill HUP => $$; exec @ARGV"
    let daemon = try Daemon(wrapper: ["/usr/bin/perl", "-MPOSIX", "-e", script, "--"])
    // Comes after it, or shares one reading with it.
    try daemon.client().reload()
    let told = daemon.logText.split(separator: "\n").first { $0.contains("configuration reloaded") }
    #expect(told?.contains("SIGHUP") == true, "\(daemon.logText)")
    #expect(daemon.end() == 0)
  }

  @Test func `A daemon does not start with a mistake in its rights`() throws {
    let scratch = try Scratch()
    let path = scratch.closed + "/k.toml"
    try "[rights]\n\"group:nogroup\" = [\"canView\"]\n".write(toFile: path, atomically: true, encoding: .utf8)
    let refused = try Command([
      Products.daemon, "--config", path, "--socket", scratch.socket, "--database", scratch.database,
    ])
    #expect(refused.status == EX_CONFIG)
    #expect(refused.errors.contains("\(path):2:1: "), "\(refused.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.database))
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), "needs unshare"),
    arguments: [("0 0 4294967295", "0 0 1000"), ("0 0 1000", "0 0 4294967295")])
  func `Where the kernel cannot tell all users or all groups the daemon does not start`(
    users: String, groups: String
  ) throws {
    let scratch = try Scratch()
    // The namespace's own process says who it is and waits until it has been given its maps.
    let script = """
      coproc unshare --user sh -c 'echo $$; read ready; exec "$@"' sh "$@"
      read -u ${COPROC[0]} pid
      echo '\(users)' > /proc/$pid/uid_map && echo '\(groups)' > /proc/$pid/gid_map
      echo >&${COPROC[1]}
      wait $COPROC_PID
      """
    let refused = try Command([
      "/bin/bash", "-c", script, "bash", Products.daemon, "--socket", scratch.socket, "--database", scratch.database,
    ])
    #expect(refused.status == EX_CONFIG, "\(refused.errors)")
    #expect(refused.errors.contains("every user and group"), "\(refused.errors)")
  }
}
