import Foundation
import KeywardClient
import KeywardCore
import Testing

/// The whole life of a key, by the verbs and the client library, against a real daemon.
@Suite struct LifeTests {
  private let daemon: Daemon

  init() throws {
    daemon = try Daemon()
  }

  private func keyward(_ arguments: String..., input: String = "") throws -> Command {
    try Command.keyward(arguments, at: daemon.scratch, input: input)
  }

  /// What a verb prints as JSON; the verb must have gone well.
  private func answer(_ arguments: String...) throws -> [String: Any] {
    let command = try Command.keyward(arguments + ["--output", "json"], at: daemon.scratch)
    try #require(command.status == 0, "\(arguments): \(command.errors)")
    return command.json
  }

  private func key(_ answer: [String: Any]) throws -> [String: Any] { try #require(answer["key"] as? [String: Any]) }

  private func make(_ name: String) throws -> (id: String, secret: String) {
    let made = try answer("create", name, "--permission", "chat")
    return (try #require(try key(made)["id"] as? String), try #require(made["secret"] as? String))
  }

  private func verdict(_ secret: String) throws -> String? {
    try Command.keyward(["validate", "--permission", "chat", "--output", "json"], at: daemon.scratch, input: secret)
      .json["verdict"] as? String
  }

  @Test func `A key is renamed, and the old name is free`() throws {
    let (id, secret) = try make("old")
    let renamed = try answer("rename", "old", "new")
    #expect(try key(renamed)["name"] as? String == "new")
    #expect(renamed["revision"] as? String == "2")
    #expect(try keyward("show", "old").status == EX_NOINPUT)
    #expect(try make("old").id != id)
    #expect(try verdict(secret) == "VERDICT_VALID")
    let taken = try keyward("rename", "old", "new")
    #expect(taken.status == EX_CANTCREAT)
  }

  @Test func `A key is switched off and on again`() throws {
    let (id, secret) = try make("k")
    #expect(try key(answer("disable", "k"))["state"] as? String == "STATE_DISABLED")
    #expect(try verdict(secret) == "VERDICT_DISABLED")
    #expect(try key(answer("enable", id))["state"] as? String == "STATE_ACTIVE")
    #expect(try verdict(secret) == "VERDICT_VALID")
  }

  @Test func `An expiry is set, moved and taken away`() throws {
    _ = try make("k")
    #expect(
      try key(answer("expire", "k", "2090-01-31T00:00:00Z"))["expireTime"] as? String == "2090-01-31T00:00:00Z")
    #expect(try key(answer("expire", "k", "never"))["expireTime"] == nil)
    #expect(try keyward("expire", "k", "2001-01-01").status == EX_DATAERR)
    #expect(try keyward("expire", "k", "soon").status == EX_USAGE)
  }

  @Test func `A key is revoked later, then now, and for good`() throws {
    let (_, secret) = try make("k")
    let later = try key(answer("revoke", "k", "--at", "7d", "--reason", "leaked"))
    #expect(later["state"] as? String == "STATE_ACTIVE")
    #expect(later["availability"] as? String == "AVAILABILITY_SOON_UNAVAILABLE")
    #expect(later["revokeReason"] as? String == "leaked")
    #expect(try verdict(secret) == "VERDICT_VALID")
    #expect(try key(answer("revoke", "k"))["state"] as? String == "STATE_REVOKED")
    #expect(try verdict(secret) == "VERDICT_REVOKED")
    #expect(try keyward("enable", "k").status == 0, "it was on already, so nothing is to change")
    #expect(try keyward("disable", "k").status == EX_DATAERR)
    #expect(try keyward("revoke", "k", "--at", "never").status == EX_USAGE)
  }

  @Test func `A key is deleted only with a yes, and brought back by name or id`() throws {
    let (id, secret) = try make("k")
    let asked = try keyward("delete", "k")
    #expect(asked.status == EX_USAGE)
    #expect(asked.errors.contains("--yes"))
    #expect(try verdict(secret) == "VERDICT_VALID")
    let deleted = try key(answer("delete", "k", "--yes"))
    #expect(deleted["state"] as? String == "STATE_DELETED")
    #expect(deleted["purgeTime"] != nil)
    #expect(try verdict(secret) == "VERDICT_NOT_FOUND")
    #expect(try key(answer("undelete", "k"))["id"] as? String == id)
    #expect(try verdict(secret) == "VERDICT_VALID")
    _ = try answer("delete", id, "--yes")
    #expect(try key(answer("undelete", id))["id"] as? String == id)
    #expect(try keyward("undelete", id).status == EX_DATAERR)
    #expect(try keyward("undelete", "k").status == EX_NOINPUT)
  }

  @Test func `Two deleted keys of one name are told apart by their ids, and a name taken meanwhile is`() throws {
    let first = try make("k").id
    _ = try answer("delete", "k", "--yes")
    let second = try make("k").id
    #expect(try keyward("undelete", first).status == EX_CANTCREAT)
    _ = try answer("delete", "k", "--yes")
    let unclear = try keyward("undelete", "k")
    #expect(unclear.status == EX_DATAERR)
    #expect(unclear.errors.contains(first) && unclear.errors.contains(second))
    #expect(try key(answer("undelete", second))["id"] as? String == second)
  }

  @Test func `A copy has a secret and a name of its own`() throws {
    let (id, secret) = try make("APIKEYtest")
    let copy = try keyward("copy", "APIKEYtest")
    #expect(copy.status == 0)
    let own = copy.output.trimmingCharacters(in: .newlines)
    #expect(own.hasPrefix("kw_chat_") && own != secret)
    #expect(!copy.errors.contains(own), "the secret stands on standard error too")
    #expect(try verdict(own) == "VERDICT_VALID")
    #expect(try key(answer("copy", "APIKEYtest_1"))["name"] as? String == "APIKEYtest_2")
    #expect(try key(answer("copy", id, "--name", "other"))["name"] as? String == "other")
    #expect(try keyward("copy", id, "--name", "other").status == EX_CANTCREAT)
  }

  @Test func `A rotation changes the secret, at once or after its grace`() throws {
    let (id, first) = try make("k")
    let second = try #require(try answer("rotate", "k", "--grace", "1h")["secret"] as? String)
    #expect(try verdict(first) == "VERDICT_VALID")
    #expect(try verdict(second) == "VERDICT_VALID")
    let third = try #require(try answer("rotate", id)["secret"] as? String)
    #expect(try verdict(second) == "VERDICT_NOT_FOUND")
    #expect(try verdict(third) == "VERDICT_VALID")
    #expect(try keyward("rotate", "k", "--grace", "2y").status == EX_DATAERR)
  }

  @Test func `A stale etag is refused, and so is one that never was`() throws {
    _ = try make("k")
    let etag = try #require(try key(answer("disable", "k"))["etag"] as? String)
    _ = try answer("enable", "k", "--etag", etag)
    for stale in [etag, "no etag"] {
      for verb in [["enable"], ["expire", "90d"], ["revoke"], ["delete", "--yes"], ["rotate"], ["copy"]] {
        let command = try Command.keyward(
          [verb[0], "k"] + verb.dropFirst() + ["--etag", stale], at: daemon.scratch)
        #expect(command.status == EX_TEMPFAIL, "\(verb): \(command.errors)")
        #expect(command.output.isEmpty)
      }
    }
  }

  @Test func `The same request id makes nothing more and tells no secret`() throws {
    let first = try answer("create", "k", "--permission", "chat", "--request-id", "r1")
    let second = try answer("create", "k", "--permission", "chat", "--request-id", "r1")
    #expect(try key(first)["id"] as? String == key(second)["id"] as? String)
    #expect(first["secret"] as? String != "" && second["secret"] as? String == "")
    let piped = try keyward("create", "k", "--permission", "chat", "--request-id", "r1")
    #expect(piped.status == 0 && piped.output.isEmpty)
    #expect(piped.errors.contains("asked for before"))
    #expect(try keyward("create", "other", "--permission", "chat", "--request-id", "r1").status == EX_DATAERR)
    _ = try answer("copy", "k", "--request-id", "r2")
    #expect(try answer("copy", "k", "--request-id", "r2")["secret"] as? String == "")
    _ = try answer("rotate", "k", "--request-id", "r3")
    #expect(try answer("rotate", "k", "--request-id", "r3")["secret"] as? String == "")
    #expect(try daemon.client().status().keyCount == 2)
  }

  @Test func `A mistyped name is answered with the nearest ones`() throws {
    _ = try make("Web chat")
    let command = try keyward("show", "web caht")
    #expect(command.status == EX_NOINPUT)
    #expect(command.errors.contains("did you mean \"Web chat\"?"))
    #expect(try !keyward("disable", "entirely different").errors.contains("did you mean"))
  }

  @Test func `A key that was deleted is told of, with what brings it back`() throws {
    let (id, _) = try make("Web chat")
    _ = try answer("delete", "Web chat", "--yes")
    for verb in ["show", "disable"] {
      let command = try keyward(verb, "Web chat")
      #expect(command.status == EX_NOINPUT)
      #expect(command.errors.contains("a deleted key had it, which keyward undelete \(id) brings back"))
    }
    _ = try make("Web chat")
    let taken = try keyward("undelete", id)
    #expect(taken.errors.contains("another key has the name \"Web chat\": rename that one first"))
  }

  @Test func `A secret in the place of a key or in a text is refused and stands nowhere`() throws {
    let (id, secret) = try make("k")
    let commands = [
      ["show", secret], ["create", "for \(secret)", "--permission", "chat"], ["rename", "k", "x\(secret)"],
      ["revoke", "k", "--reason", "leaked \(secret)"], ["copy", "k", "--name", secret, "--request-id", "r"],
      ["rotate", "k", "--request-id", "\(secret)-1"], ["disable", "kw_chat_typed"],
    ]
    for arguments in commands {
      let command = try Command.keyward(arguments, at: daemon.scratch)
      #expect([EX_DATAERR, EX_NOINPUT].contains(command.status), "\(arguments)")
      #expect(!command.errors.contains("kw_chat_") && command.output.isEmpty, "\(command.errors)")
    }
    #expect(try keyward("disable", "kw_chat_typed").errors.contains("if this is a secret, rotate its key"))
    #expect(try verdict(secret) == "VERDICT_VALID")
    #expect(daemon.end() == 0)
    let database = try Data(contentsOf: URL(fileURLWithPath: daemon.scratch.database))
    #expect(database.range(of: Data(secret.utf8)) == nil && database.range(of: Data(id.utf8)) != nil)
  }

  @Test func `A copy or rotation of a key that is not good is warned of, and made`() throws {
    _ = try make("k")
    _ = try answer("disable", "k")
    for verb in ["copy", "rotate"] {
      let command = try keyward(verb, "k")
      #expect(command.status == 0 && command.output.hasPrefix("kw_chat_"))
      #expect(command.errors.contains("warning: the key is disabled already, so its new secret is not good"))
    }
    #expect(try !keyward("create", "off", "--permission", "chat", "--disabled").errors.contains("warning"))
  }

  @Test func `A revocation at once may be said as a span of nothing`() throws {
    _ = try make("k")
    #expect(try key(answer("revoke", "k", "--at", "0s"))["state"] as? String == "STATE_REVOKED")
  }

  @Test func `Many secrets are judged in their order, and none is repeated`() throws {
    let good = try make("good").secret
    _ = try make("off")
    let off = try #require(try answer("rotate", "off")["secret"] as? String)
    _ = try answer("disable", "off")
    let lines = (0..<250).map { $0 == 7 ? off : $0 == 120 ? "kw_chat_typo" : $0 == 249 ? "" : good }
    let file = daemon.scratch.closed + "/secrets"
    try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    let arguments = ["validate", "--permission", "chat", "--batch"]
    let table = try Command.keyward(arguments + [file], at: daemon.scratch)
    #expect(table.status == 1 && table.errors.isEmpty && !table.output.contains("kw_"))
    let verdicts = table.output.split(separator: "\n").map { $0.prefix { $0 != " " } }
    #expect(verdicts.count == 250)
    for (number, verdict) in verdicts.enumerated() {
      let wanted = number == 7 ? "DISABLED" : [120, 249].contains(number) ? "MALFORMED" : "VALID"
      #expect(verdict == wanted, "\(number)")
    }
    let json = try Command.keyward(
      arguments + ["-", "--output", "json"], at: daemon.scratch, input: "\(good)\n\(good)")
    #expect(json.status == 0)
    let responses = try #require(json.json["responses"] as? [[String: Any]])
    #expect(responses.map { $0["verdict"] as? String } == ["VERDICT_VALID", "VERDICT_VALID"])
    #expect(json.json["revision"] as? String != nil && !json.output.contains(good))
    #expect(try Command.keyward(arguments + ["-"], at: daemon.scratch, input: "").status == EX_DATAERR)
  }

  @Test func `Every change is one line of the log, without its secret`() throws {
    let (id, secret) = try make("k")
    _ = try answer("rename", "k", "n")
    _ = try answer("rename", "n", "n")
    let rotated = try #require(try answer("rotate", "n")["secret"] as? String)
    _ = try answer("delete", "n", "--yes")
    // A change's line may come after its reply.
    #expect(daemon.end() == 0)
    let lines = daemon.logText.split(separator: "\n").filter { $0.contains("key=\(id)") }
    #expect(lines.count == 4)
    for (line, (type, revision)) in zip(lines, [("created", 1), ("updated", 2), ("rotated", 3), ("deleted", 4)]) {
      #expect(line.contains("key \(type)") && line.contains("revision=\(revision)") && line.contains("by="))
    }
    #expect(!daemon.logText.contains(secret) && !daemon.logText.contains(rotated))
  }
}
