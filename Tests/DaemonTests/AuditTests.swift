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

  private var now: Instant { Instant(microseconds: Int64(Date().timeIntervalSince1970) * 1_000_000) }

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

  @Test func `Only the newest are shown where a limit says so, on one page and over several`() throws {
    let client = try daemon.client()
    for number in 1...510 { _ = try create("k\(number)", client) }
    for limit in [1, 3, 500, 501, 510] {
      let revisions = try audit("--limit", "\(limit)").compactMap { $0["revision"] as? String }
      #expect(revisions == (511 - limit...510).reversed().map(String.init))
    }
    #expect(try audit("--limit", "1000").count == 510)
    #expect(try audit().count == 510)
    #expect(try audit("--limit", "5", "--key", "k9").count == 1)
    let command = try Command.keyward(["audit", "--limit", "2", "--output", "json"], at: daemon.scratch)
    #expect(command.json["totalSize"] as? String == "510")
  }

  @Test func `A key that was deleted is found by the name it had, unless another has it`() throws {
    let client = try daemon.client()
    let first = try create("k", client)
    _ = try client.deleteKey(first)
    #expect(types(try audit("--key", "k")) == ["DELETED", "CREATED"])
    let second = try create("k", client)
    #expect(try audit("--key", "k").compactMap { $0["keyId"] as? String } == ["\(second)"])
    _ = try client.deleteKey(second)
    let both = try Command.keyward(["audit", "--key", "k"], at: daemon.scratch)
    #expect(both.status == 65 && both.errors.contains("\(first)") && both.errors.contains("\(second)"))
    let none = try Command.keyward(["audit", "--key", "kk"], at: daemon.scratch)
    #expect(none.status == 66 && none.errors.contains("no key has the name \"kk\""))
  }

  @Test func `A rotation tells until when the old secret works, in its answer, in the key and in the audit`() throws {
    let client = try daemon.client()
    let id = try create("k", client)
    func keyward(_ arguments: String...) throws -> Command { try Command.keyward(arguments, at: daemon.scratch) }
    let graced = try keyward("rotate", "k", "--grace", "1h")
    #expect(graced.status == 0 && graced.errors.contains("old secret  works until "), "\(graced.errors)")
    let event = try #require(try audit("--type", "rotated").first)
    let end = try #require(event["graceEndTime"] as? String)
    #expect(try client.key(id: id).formerSecretEnds.map(\.description) == [end])
    let shown = try #require(try keyward("show", "k", "--output", "json").json["key"] as? [String: Any])
    #expect(shown["formerSecretEndTimes"] as? [String] == [end])
    #expect(try keyward("show", "k").output.contains("old secret    works until "))
    #expect(try keyward("audit").output.contains("old secret good until "))

    let expiry = now.adding(seconds: 600)
    _ = try client.updateKey(id, KeyUpdate(expiry: .at(expiry)))
    let cut = try keyward("rotate", "k", "--grace", "1h", "--output", "json").json["key"] as? [String: Any]
    #expect(cut?["formerSecretEndTimes"] as? [String] == [expiry.description, expiry.description])
    #expect(try keyward("show", "k").output.contains(", expiring with the key"))
    let ended = try keyward("rotate", "k")
    #expect(ended.errors.contains("old secret  works no more"), "\(ended.errors)")
    #expect(try client.key(id: id).formerSecretEnds.isEmpty)
  }

  @Test func `What time has done is by the daemon's own user and process, under a name that no user has`() throws {
    let client = try daemon.client()
    let soon = CreateKey(name: try KeyName("k"), permission: .chat, expireTime: now.adding(seconds: 3600))
    let id = try client.createKey(soon).key.key.id
    // The change itself has the sweeper run, which warns of the end.
    var events: [[String: Any]] = []
    let end = ContinuousClock.now + .seconds(30)
    repeat { events = try audit("--user", "(sweeper)") } while events.isEmpty && ContinuousClock.now < end
    #expect(types(events) == ["SOON_UNAVAILABLE"] && events.first?["keyId"] as? String == "\(id)")
    #expect(events.first?["uid"] as? UInt32 == geteuid() && events.first?["pid"] as? Int32 == daemon.pid)
    #expect(events.first?["actor"] as? String == "(sweeper)")
    #expect(types(try audit("--user", try client.whoAmI().user)) == ["CREATED"])
  }

  @Test func `Keys are told as the daemon judged them, by its own window`() throws {
    let host = try Configured("[keys]\nsoon_unavailable = \"100d\"\n")
    let request = CreateKey(name: try KeyName("k"), permission: .chat, expireTime: now.adding(seconds: 80 * 86400))
    _ = try host.daemon.client().createKey(request)
    let command = try Command.keyward(["audit", "--type", "created", "--output", "json"], at: host.daemon.scratch)
    let event = try #require((command.json["events"] as? [[String: Any]])?.first)
    let after = try #require(event["after"] as? [String: Any])
    #expect(after["availability"] as? String == "AVAILABILITY_SOON_UNAVAILABLE")
    #expect(after["state"] as? String == "STATE_ACTIVE")
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
