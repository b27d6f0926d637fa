import Foundation
import KeywardClient
import KeywardCore
import Testing

/// `keyward audit --verify` and `keywardd --verify-audit`, over a database that somebody has written to.
@Suite struct VerifyAuditTests {
  private let daemon: Daemon

  init() throws {
    daemon = try Daemon()
    let client = try daemon.client()
    for number in 1...5 {
      let name = try KeyName("k\(number)")
      let id = try client.createKey(CreateKey(name: name, permission: .chat)).key.key.id
      _ = try client.updateKey(id, KeyUpdate(enabled: false))
    }
  }

  private func verifyOffline(_ arguments: String...) throws -> Command {
    try Command([Products.daemon, "--verify-audit", "--database", daemon.scratch.database] + arguments)
  }

  /// Writes to the stopped daemon's database.
  private func tamper(_ old: String, _ new: String) throws {
    #expect(daemon.end() == 0)
    let url = URL(fileURLWithPath: daemon.scratch.database)
    var bytes = try Data(contentsOf: url)
    var found = 0
    while let range = bytes.range(of: Data(old.utf8)) {
      bytes.replaceSubrange(range, with: Data(new.utf8))
      found += 1
    }
    try #require(found > 0)
    try bytes.write(to: url)
  }

  @Test func `A sound audit is told to be so by the daemon and without it, with the hash that status tells`() throws {
    let online = try Command.keyward(["audit", "--verify"], at: daemon.scratch)
    #expect(online.status == 0, "\(online.errors)")
    #expect(online.output.hasPrefix("the audit of 10 rows is as it was written; the row of revision 10 has the hash "))
    let status = try Command.keyward(["status", "--output", "json"], at: daemon.scratch).json
    let hash = try #require(status["auditHash"] as? String)
    #expect(hash.count == 64 && online.output.contains(hash) && status["auditRevision"] as? String == "10")
    let json = try Command.keyward(["audit", "--verify", "--output", "json"], at: daemon.scratch).json
    #expect(json["rowCount"] as? String == "10" && json["auditHash"] as? String == hash)

    let busy = try verifyOffline()
    #expect(busy.status == 69 && busy.errors.contains("in use by another keywardd"))
    #expect(daemon.end() == 0)
    #expect(daemon.logText.contains("audit_hash=\(hash)"))
    let offline = try verifyOffline()
    #expect(offline.status == 0 && offline.output == online.output)
  }

  @Test func `What somebody has written is found, by the daemon and without it`() throws {
    try tamper("\tk3\t", "\tK3\t")
    let offline = try verifyOffline()
    #expect(offline.status == 1)
    #expect(offline.output.contains("the row of revision 5 is not as it was written"))
    #expect(offline.output.contains("is or was not as the audit left it"))
    let again = try Daemon(daemon.scratch)
    let online = try Command.keyward(["audit", "--verify"], at: again.scratch)
    #expect(online.status == 1 && online.output == offline.output)
    let json = try Command.keyward(["audit", "--verify", "--output", "json"], at: again.scratch)
    #expect(json.status == 1 && json.json["firstBrokenRevision"] as? String == "5")
    #expect((json.json["alteredKeyIds"] as? [String])?.count == 1)
  }

  @Test func `A secret that somebody has exchanged is found, by the daemon and without it`() throws {
    let client = try daemon.client()
    let (view, secret) = try client.createKey(CreateKey(name: try KeyName("victim"), permission: .chat))
    #expect(daemon.end() == 0)
    let url = URL(fileURLWithPath: daemon.scratch.database)
    var bytes = try Data(contentsOf: url)
    let digest = secret.digest.withUnsafeBytes { Data($0) }
    // The last byte alone, so that the rows stay in their order.
    let other = digest.dropLast() + [digest[31] ^ 1]
    var count = 0
    while let range = bytes.range(of: digest) {
      bytes.replaceSubrange(range, with: other)
      count += 1
    }
    try #require(count > 0)
    try bytes.write(to: url)
    let offline = try verifyOffline()
    let finding = "the key \(view.key.id), or a secret of it, is or was not as the audit left it\n"
    #expect(offline.status == 1 && offline.output.hasPrefix(finding + "the audit of 11 rows is broken"))
    let again = try Daemon(daemon.scratch)
    #expect(try again.client().validate(secret, for: .chat).verdict == .notFound)
    let online = try Command.keyward(["audit", "--verify"], at: again.scratch)
    #expect(online.status == 1 && online.output == offline.output)
    let json = try Command.keyward(["audit", "--verify", "--output", "json"], at: again.scratch).json
    #expect(json["alteredKeyIds"] as? [String] == ["\(view.key.id)"])
    #expect(json["clockSetBack"] as? Bool == false)
  }

  @Test func `A database that is not there is not made, and filters make no sense with it`() throws {
    let none = try Command([Products.daemon, "--verify-audit", "--database", daemon.scratch.closed + "/none.db"])
    #expect(none.status == 66 && none.errors.contains("is not there"))
    #expect(!FileManager.default.fileExists(atPath: daemon.scratch.closed + "/none.db"))
    #expect(try Command.keyward(["audit", "--verify", "--user", "x"], at: daemon.scratch).status == 64)
  }

  @Test func `Changes go on while the audit is verified, and it is sound whatever comes between`() throws {
    let client = try daemon.client()
    var ids: [KeyID] = []
    for number in 0..<300 {
      ids.append(try client.createKey(CreateKey(name: try KeyName("n\(number)"), permission: .chat)).key.key.id)
    }
    let socket = daemon.scratch.socket
    let done = DispatchSemaphore(value: 0)
    let queue = DispatchQueue(label: "verify")
    let results = Results()
    queue.async {
      for _ in 0..<10 {
        let sound = try? Client(Client.Options(socketPath: socket)).verifyAudit().isSound
        results.add(sound ?? false)
      }
      done.signal()
    }
    for id in ids { _ = try client.updateKey(id, KeyUpdate(enabled: false)) }
    for id in ids.prefix(50) { _ = try client.deleteKey(id) }
    try #require(done.wait(timeout: .now() + 60) == .success)
    #expect(results.all == Array(repeating: true, count: 10))
  }

  private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Bool] = []

    func add(_ value: Bool) { lock.withLock { values.append(value) } }
    var all: [Bool] { lock.withLock { values } }
  }
}
