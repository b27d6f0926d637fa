import Foundation
import KeywardClient
import KeywardCore
import Testing

/// The audit and batches of secrets, against a real daemon.
@Suite struct AuditTests {
  private let daemon: Daemon

  init() throws {
    daemon = try Daemon()
  }

  private func audit(_ arguments: String...) throws -> [[String: Any]] {
    let command = try Command.keyward(["audit", "--output", "json"] + arguments, at: daemon.scratch)
    try #require(command.status == 0, "\(arguments): \(command.errors)")
    return try #require(command.json["events"] as? [[String: Any]])
  }

  private func types(_ events: [[String: Any]]) -> [String] {
    events.compactMap { ($0["type"] as? String)?.replacing("CHANGE_TYPE_", with: "") }
  }

  private func create(_ name: String, _ client: Client) throws -> KeyID {
    try client.createKey(CreateKey(name: try KeyName(name), permission: .chat)).key.key.id
  }

  @Test func `Every change is found, by key, user, type and time, the latest first`() throws {
    let client = try daemon.client()
    let first = try create("first", client)
    _ = try create("second", client)
    _ = try client.updateKey(first, KeyUpdate(enabled: false))
    _ = try client.updateKey(first, KeyUpdate(name: KeyName("renamed")))
    _ = try client.rotateKey(first, RotateKey(graceSeconds: 60))
    _ = try client.revokeKey(first, Revocation(reason: RevokeReason("leaked")))
    _ = try client.deleteKey(first)
    _ = try client.undeleteKey(first)
    let all = ["UNDELETED", "DELETED", "REVOKED", "ROTATED", "UPDATED", "DISABLED", "CREATED", "CREATED"]
    let events = try audit()
    #expect(types(events) == all)
    #expect(events.compactMap { $0["revision"] as? String } == (1...8).reversed().map(String.init))
    #expect(events.last?["before"] == nil && events.last?["after"] != nil)
    #expect(types(try audit("--key", "renamed")).count == 7)
    #expect(types(try audit("--key", "\(first)", "--type", "revoked", "--type", "created")) == ["REVOKED", "CREATED"])
    #expect(try audit("--user", try client.whoAmI().user).count == 8)
    #expect(try audit("--user", "nobody").isEmpty)
    #expect(try audit("--since", "1h", "--until", "2100-01-01").count == 8)
    #expect(try audit("--until", "1h").isEmpty)
    let table = try Command.keyward(["audit"], at: daemon.scratch)
    #expect(table.output.contains("was \"first\"") && table.output.contains("\"leaked\""))
  }

  @Test func `The audit never holds a secret or a digest`() throws {
    let client = try daemon.client()
    let (key, secret) = try client.createKey(CreateKey(name: try KeyName("k"), permission: .chat))
    _ = try client.rotateKey(key.key.id, RotateKey(graceSeconds: 60))
    let command = try Command.keyward(["audit", "--output", "json"], at: daemon.scratch)
    let text = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    #expect(!command.output.contains(text.dropFirst(8).dropLast(4)))
  }

  @Test func `The pages of the audit have every event once`() throws {
    let client = try daemon.client()
    for number in 1...25 { _ = try create("k\(number)", client) }
    var revisions: [Revision] = []
    var token = ""
    repeat {
      let page = try client.listAuditEvents(AuditPageQuery(AuditQuery(), pageSize: 10, pageToken: token))
      #expect(page.totalSize == 25)
      revisions += page.events.map(\.revision)
      token = page.nextPageToken
    } while !token.isEmpty
    #expect(revisions == Array((1...25).reversed()))
    #expect(client.revision == 25)
  }

  @Test func `The audit lasts over a crash and a restart`() throws {
    let id = try create("k", daemon.client())
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    let second = try Daemon(daemon.scratch)
    let page = try second.client().listAuditEvents(AuditPageQuery(AuditQuery(keyID: id)))
    #expect(page.events.map(\.type) == [.created])
    #expect(page.events.first?.actor.pid == getpid())
  }

  @Test func `A batch is judged entry by entry`() throws {
    let client = try daemon.client()
    let good = try client.createKey(CreateKey(name: try KeyName("k"), permission: .chat)).secret
    let text = Array("kw_chat_mistyped".utf8)
    let bad = text.withUnsafeBytes { Secret(copying: $0) }
    let validations = try client.validate([(good, .chat), (bad, .chat), (good, .secureMail), (good, .chat)])
    #expect(validations.map(\.verdict) == [.valid, .malformed, .wrongPermission, .valid])
    #expect(validations[0].subject?.name.text == "k")
    #expect(validations[2].subject == nil)
    for count in [0, 101] {
      #expect {
        try client.validate(Array(repeating: (good, .chat), count: count))
      } throws: { error in
        if case ClientError.refused(.invalidArgument, _) = error { true } else { false }
      }
    }
  }

  @Test func `Every reply tells the store's revision`() throws {
    let client = try daemon.client()
    let id = try create("k", client)
    #expect(client.revision == 1)
    _ = try client.updateKey(id, KeyUpdate(enabled: false))
    #expect(client.revision == 2)
    let other = try daemon.client()
    _ = try other.whoAmI()
    #expect(other.revision == 2)
    for ask in [
      { _ = try $0.key(id: id) }, { _ = try $0.listKeys(ListQuery()) },
      { _ = try $0.listAuditEvents(AuditPageQuery(AuditQuery())) }, { _ = try $0.status() },
    ] as [(Client) throws -> Void] {
      let fresh = try daemon.client()
      try ask(fresh)
      #expect(fresh.revision == 2)
    }
  }
}
