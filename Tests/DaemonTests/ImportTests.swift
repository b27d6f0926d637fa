import Foundation
import KeywardClient
import KeywardCore
import TestSupport
import Testing

/// Lists of keys that go into a real daemon and come out of it.
@Suite struct ImportTests {
  private let daemon: Daemon

  init() throws {
    daemon = try Daemon()
  }

  private func keyward(_ arguments: String..., at other: Scratch? = nil) throws -> Command {
    try Command.keyward(arguments, at: other ?? daemon.scratch)
  }

  /// Writes a list beside the database.
  private func file(_ text: String, name: String = "list.csv") throws -> String {
    let path = daemon.scratch.closed + "/" + name
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private static func row(_ number: Int) -> String {
    "name \(number),\(number % 2 == 0 ? "chat" : "secure-mail"),secret number \(number),"
      + "\(number % 3 == 0 ? "2030-01-31T00:00:00Z" : ""),creator \(number % 7),\(number % 5 == 0)\n"
  }

  private static let header = "name,permission,secret,expires,creator,disabled\n"
  private static let many = header + (0..<20_000).map(row).joined()

  private func counts(_ command: Command) throws -> [String] {
    try #require(command.status == 0, "\(command.errors)")
    return try ["importedCount", "skippedCount"].map { try #require(command.json[$0] as? String) }
  }

  @Test func `Twenty thousand keys go in, are good, and come out again`() throws {
    let path = try file(Self.many)
    #expect(try counts(keyward("import", path, "--output", "json")) == ["20000", "0"])
    let client = try daemon.client()
    #expect(try client.status().keyCount == 20_000)
    for number in [0, 1, 9_999, 10_000, 19_999] {
      let permission: Permission = number % 2 == 0 ? .chat : .secureMail
      let verdict = try client.validate(.text("secret number \(number)"), for: permission).verdict
      #expect(verdict == (number % 5 == 0 ? .disabled : .valid))
    }
    #expect(daemon.end() == 0)
    let again = try Daemon(daemon.scratch)
    let exported = try keyward("export")
    #expect(exported.status == 0 && !exported.output.contains("secret number"))
    let rows = exported.output.split(separator: "\r\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    try #require(rows.count == 20_000)
    for (number, row) in rows.enumerated() where number % 97 == 0 {
      let wanted = Self.row(number).dropLast().split(separator: ",", omittingEmptySubsequences: false)
      #expect(row[1...5].map(String.init) == [wanted[0], wanted[1], wanted[3], wanted[4], wanted[5]].map(String.init))
    }
    #expect(!again.logText.contains("secret number") && !daemon.logText.contains("secret number"))
  }

  @Test func `An import whose daemon is killed before its last call has made nothing, and begins again`() throws {
    let path = try file(Self.many)
    let list = try SentList(Self.many)
    try #require(list.portionCount > 1)
    let client = try daemon.client()
    for number in 0..<list.portionCount - 1 {
      #expect(
        try list.send(number, by: client) == ImportOutcome(importedCount: 0, skippedCount: 0, revision: 0))
    }
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    let again = try Daemon(daemon.scratch)
    #expect(try again.client().status().keyCount == 0)
    #expect(throws: ClientError.self) { try list.send(list.portionCount - 1, by: again.client()) }
    #expect(try again.client().status().revision == 0)
    #expect(try counts(keyward("import", path, "--output", "json")) == ["20000", "0"])
    #expect(try again.client().status().keyCount == 20_000)
    #expect(try again.client().status().revision == 20_000)
    let verified = try keyward("audit", "--verify")
    #expect(verified.status == 0)
  }

  @Test func `An upload of another connection goes on, and a new one takes the place of one that was left`() throws {
    let list = try SentList(Self.many)
    for number in 0..<list.portionCount { try list.send(number, by: daemon.client()) }
    #expect(try daemon.client().status().keyCount == 20_000)
    let path = try file(Self.header + (20_000..<30_500).map(Self.row).joined())
    try SentList(Self.header + (40_000..<60_000).map(Self.row).joined()).send(0, by: daemon.client())
    #expect(try counts(keyward("import", path, "--output", "json")) == ["10500", "0"])
  }

  @Test func `A name that is taken after its portion was checked stops all of it`() throws {
    let list = try SentList(Self.many)
    let client = try daemon.client()
    for number in 0..<list.portionCount - 1 { try list.send(number, by: client) }
    _ = try keyward("create", "name 17", "--permission", "chat", "--output", "json")
    let error = #expect(throws: ClientError.self) { try list.send(list.portionCount - 1, by: client) }
    #expect(error?.message == "portions[0].keys[17].name is the name of a key that is here already")
    #expect(try client.status().keyCount == 1)
    #expect(try client.status().revision == 1)
  }

  @Test func `A key that is here already stops all of it before anything is imported`() throws {
    _ = try keyward("create", "name 19999", "--permission", "chat", "--output", "json")
    let path = try file(Self.many)
    let refused = try keyward("import", path)
    #expect(refused.status == EX_CANTCREAT)
    #expect(
      refused.errors
        == "keyward: \(path):20001:1: name is the name of a key that is here already; nothing was imported\n")
    #expect(try daemon.client().status().keyCount == 1)
    #expect(try counts(keyward("import", path, "--skip-existing", "--dry-run", "--output", "json")) == ["19999", "1"])
    #expect(try daemon.client().status().keyCount == 1)
    for wanted in [["19999", "1"], ["0", "20000"]] {
      #expect(try counts(keyward("import", path, "--skip-existing", "--output", "json")) == wanted)
    }
    #expect(try daemon.client().status().keyCount == 20_000)
  }

  @Test func `A list that was imported is refused at its first key, and so is one whose keys were deleted`() throws {
    let path = try file("name,permission,secret\na,chat,secret of a\nb,chat,secret of b\n")
    #expect(try keyward("import", path).output == "imported 2 keys\n")
    func refuse(_ message: String) throws {
      for arguments in [[], ["--dry-run"]] {
        let again = try Command.keyward(["import", path] + arguments, at: daemon.scratch)
        #expect(again.status == EX_CANTCREAT && again.output.isEmpty)
        #expect(again.errors.contains(message), "\(again.errors)")
      }
    }
    try refuse("\(path):2:1: name is the name of a key that is here already")
    _ = try keyward("delete", "--all", "--yes")
    try refuse("\(path):2:8: secret is the secret of a deleted key: undelete that one, and it is good again")
  }

  @Test func `A last call that is sent again is answered as the first time`() throws {
    let list = try SentList(Self.many)
    let client = try daemon.client()
    for _ in 0..<2 {
      for number in 0..<list.portionCount - 1 { try list.send(number, by: client) }
      #expect(try list.send(list.portionCount - 1, by: client).importedCount == 20_000)
    }
    #expect(try client.status().revision == 20_000)
  }

  @Test func `An import whose answer was lost is sent again, and has been made once`() throws {
    let path = try file("name,permission,secret\na,chat,secret of a\nb,chat,secret of b\n")
    let relay = try LossyRelay(daemon.scratch)
    let command = try keyward("import", path, "--socket", relay.path)
    #expect(command.status == 0 && command.output == "imported 2 keys\n", "\(command.errors)")
    #expect(try daemon.client().status().revision == 2)
  }

  @Test(arguments: [("csv", ",secret"), ("jsonl", "")])
  func `An export with secrets added is imported again, limits and all`(format: String, column: String) throws {
    let create = ["create", "a, b", "--permission", "chat", "--rate", "100/1m,burst=20", "--uses", "7/daily"]
    #expect(try Command.keyward(create + ["--expires", "90d"], at: daemon.scratch).status == 0)
    let plain = try keyward("create", "c", "--permission", "secure-mail", "--disabled")
    #expect(plain.status == 0)
    let exported = try keyward("export", "--format", format)
    let lines = exported.output.split { $0.isNewline }.enumerated().map { number, line in
      let secret = "a secret of another system \(number)"
      guard format == "csv" else { return line.dropLast() + ", \"secret\": \"\(secret)\"}" }
      return line + (number == 0 ? column : "," + secret)
    }
    let path = try file(lines.joined(separator: "\n") + "\n", name: "list")
    let other = try Daemon()
    #expect(try keyward("import", path, at: other.scratch).output == "imported 2 keys\n")
    func told(_ scratch: Scratch) throws -> [[String?]] {
      let keys = try keyward("list", "--output", "json", at: scratch).json["keys"] as? [[String: Any]] ?? []
      return try keys.map { key in
        try ["name", "permission", "expireTime", "creator", "enabled", "rateLimit", "useLimit"].map { name in
          guard let value = key[name] else { return nil }
          return String(
            decoding: try JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys]),
            as: UTF8.self)
        }
      }
    }
    #expect(try told(other.scratch) == told(daemon.scratch))
    #expect(try told(other.scratch).count == 2)
  }

  @Test func `A mistake in the list stops all of it, and no secret is repeated`() throws {
    let path = try file(Self.many + "name,chatt,secret number x,,,\n")
    let refused = try keyward("import", path)
    #expect(refused.status == EX_DATAERR)
    #expect(refused.errors == "keyward: \(path):20002:6: permission is not chat or secure-mail\n")
    #expect(try daemon.client().status().keyCount == 0)
    #expect(try keyward("import", path + "x").status == EX_NOINPUT)
  }

  @Test func `JSON Lines come from standard input, and the audit and the export tell of them`() throws {
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    let list = "{\"name\": \"old, key\", \"permission\": \"PERMISSION_CHAT\", \"sha256\": \"\(digest)\"}\n"
    let command = try Command.keyward(
      ["import", "-", "--format", "jsonl"], at: daemon.scratch, input: list)
    #expect(command.output == "imported 1 key\n" && command.errors.isEmpty)
    #expect(try daemon.client().validate(.text("test"), for: .chat).verdict == .valid)
    #expect(try keyward("audit", "--type", "imported", "--output", "json").json["totalSize"] as? String == "1")
    let exported = try keyward("export", "--output", "json")
    #expect(exported.json["name"] as? String == "old, key" && exported.json["hint"] as? String == "sha256…")
    #expect(!exported.output.contains(digest))
    #expect(try keyward("export").output.contains(",\"old, key\",chat,"))
    _ = try keyward("delete", "old, key", "--yes")
    #expect(try keyward("export").output.split(separator: "\r\n").count == 1)
    #expect(try keyward("export", "--deleted").output.split(separator: "\r\n").count == 2)
    let line = try #require(daemon.logText.split(separator: "\n").first { $0.contains("keys imported") })
    #expect(line.contains("count=1") && line.contains("revision=1"))
  }
}
