import Foundation
import KeywardClient
import KeywardCore
import Testing

/// Changing all keys that filters match, against a real daemon.
@Suite struct GroupTests {
  private let daemon: Daemon
  private let client: Client

  init() throws {
    daemon = try Daemon()
    client = try daemon.client()
    for name in ["ann 1", "ann 2", "bob 1"] {
      _ = try client.createKey(CreateKey(name: try KeyName(name), permission: .chat))
    }
    _ = try client.createKey(CreateKey(name: try KeyName("ann mail"), permission: .secureMail))
  }

  private func keyward(_ arguments: String...) throws -> Command {
    try Command.keyward(arguments, at: daemon.scratch)
  }

  private func states() throws -> [String: State] {
    let page = try client.listKeys(try ListQuery(showDeleted: true))
    return Dictionary(uniqueKeysWithValues: page.keys.map { ($0.key.name.text, $0.state) })
  }

  @Test func `A dry run tells the count and the names, and changes nothing`() throws {
    let command = try keyward("revoke", "--all", "--query", "ANN", "--permission", "chat", "--dry-run")
    #expect(command.status == 0)
    #expect(command.output.contains("ann 1") && command.output.contains("ann 2"))
    #expect(command.output.hasSuffix("\n2 keys would be revoked\n"), "\(command.output)")
    let json = try keyward("delete", "--all", "--dry-run", "--output", "json").json
    #expect((json["keys"] as? [Any])?.count == 4 && json["totalSize"] as? String == "4")
    #expect(json["revision"] as? String == "4")
    #expect(try client.status().revision == 4)
  }

  @Test func `What the filters match is revoked together, for the reason given, and audited key by key`() throws {
    let asked = try keyward("revoke", "--all", "--query", "ann")
    #expect(asked.status == EX_USAGE && asked.errors.contains("--yes") && asked.errors.contains("--dry-run"))
    let command = try keyward(
      "revoke", "--all", "--query", "ann", "--permission", "chat", "--reason", "left", "--yes")
    #expect(command.status == 0 && command.output == "2 keys revoked\n", "\(command.errors)")
    #expect(try states() == ["ann 1": .revoked, "ann 2": .revoked, "bob 1": .active, "ann mail": .active])
    let events = try client.listAuditEvents(try AuditPageQuery(AuditQuery(types: [.revoked]))).events
    #expect(events.map(\.after?.key.revokeReason) == ["left", "left"])
    #expect(Set(events.map(\.time)).count == 1)
    let again = try keyward("revoke", "--all", "--query", "ann", "--dry-run")
    #expect(again.output.hasSuffix("\n1 key would be revoked (2 more match and need no change)\n"), "\(again.output)")
    #expect(daemon.logText.split(separator: "\n").filter { $0.contains("key revoked") }.count == 2)
  }

  @Test func `Keys are disabled, enabled and deleted together`() throws {
    #expect(try keyward("disable", "--all", "--yes").output == "4 keys disabled\n")
    let json = try keyward("enable", "--all", "--unavailable", "--query", "bob", "--yes", "--output", "json").json
    #expect(json["changedCount"] as? String == "1" && json["revision"] as? String == "9")
    #expect(try keyward("delete", "--all", "--unavailable", "--yes").output == "3 keys deleted\n")
    #expect(try states() == ["ann 1": .deleted, "ann 2": .deleted, "bob 1": .active, "ann mail": .deleted])
    #expect(try keyward("delete", "--all", "--query", "ann", "--yes").output == "0 keys deleted\n")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1)"))
  func `On a terminal the names are shown, and only a yes changes anything`() throws {
    func answer(_ text: String) throws -> Command {
      try Command(
        ["/usr/bin/script", "-qec", "\(Products.client) disable --all --query ann", "/dev/null"], input: text + "\n",
        environment: ["KEYWARD_SOCKET": daemon.scratch.socket])
    }
    let refused = try answer("n")
    #expect(refused.status == 1)
    #expect(refused.output.contains("3 keys to disable:") && refused.output.contains("  ann mail  (key_"))
    #expect(refused.output.contains("Disable 3 keys? [y/N]") && refused.output.contains("nothing was disabled"))
    #expect(try states().values.allSatisfy { $0 == .active })
    let done = try answer("y")
    #expect(done.status == 0 && done.output.contains("3 keys disabled"))
    #expect(try states()["bob 1"] == .active && states()["ann 1"] == .disabled)
  }

  @Test func `A key that another has changed meanwhile stops all of it`() throws {
    let seen = try client.listKeys(try ListQuery()).keys.map { KeyVersion(id: $0.key.id, etag: $0.key.revision) }
    _ = try client.updateKey(seen[2].id, KeyUpdate(enabled: false))
    let error = #expect(throws: ClientError.self) { try client.change(try GroupChange(.delete, of: seen)) }
    guard case .refused(.aborted, let message)? = error else {
      Issue.record("not refused: \(String(describing: error))")
      return
    }
    #expect(message.contains("\"bob 1\""))
    #expect(try states().values.allSatisfy { $0 != .deleted })
    #expect(try client.status().revision == 5)
  }

  @Test func `A group outlives a restart, and its audit holds together`() throws {
    let seen = try client.listKeys(try ListQuery()).keys.map { KeyVersion(id: $0.key.id, etag: $0.key.revision) }
    #expect(try client.change(try GroupChange(.update(KeyUpdate(expiry: .at(.latest))), of: seen)) == 4)
    #expect(daemon.end() == 0)
    let restarted = try Daemon(daemon.scratch)
    let again = try restarted.client()
    #expect(try again.listKeys(try ListQuery()).keys.allSatisfy { $0.key.expireTime == .latest })
    #expect(try again.status().revision == 8)
  }
}
