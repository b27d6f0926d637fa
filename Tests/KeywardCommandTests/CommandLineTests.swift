import ArgumentParser
import CommandSupport
import KeywardCore
import Testing

@testable import keyward

@Suite("The command line")
struct CommandLineTests {
  @Test(
    "an option given twice is refused, not the last taken",
    arguments: [
      ["create", "x", "--permission", "chat", "--permission", "secure-mail"], ["list", "--all", "--all"],
      ["show", "x", "--socket=/a", "--socket", "/b"],
    ])
  func repetition(_ arguments: [String]) {
    #expect(objection(to: arguments)?.contains("more than once") == true)
  }

  @Test("only an option whose every value counts may be given twice")
  func repeatable() {
    let arguments = ["audit", "--type", "created", "--type", "rotated"]
    #expect(objection(to: arguments, repeatable: ["--type"]) == nil)
    #expect(objection(to: arguments)?.contains("--type is given more than once") == true)
    #expect(objection(to: arguments + ["--key", "a", "--key", "b"], repeatable: ["--type"]) != nil)
  }

  @Test(
    "a mistyped verb is answered with the nearest",
    arguments: [
      (["lst"], "did you mean list?"), (["stauts"], "did you mean status?"), (["DELETE", "x"], "did you mean delete?"),
      (["undlete"], "did you mean undelete?"), (["frobnicate"], "keyward --help lists them"),
      (["", "x"], "keyward --help lists them"), (["help", "lst"], "did you mean list?"),
      (["help", "nosuch"], "keyward --help lists them"), (["unrevoke", "x"], "is disabled instead"),
    ])
  func mistypedVerb(_ arguments: [String], _ advice: String) {
    #expect(Keyward.mistypedVerb(in: arguments)?.hasSuffix(advice) == true)
  }

  @Test("what is a verb, or no word at all, is left to the parser")
  func noMistypedVerb() {
    for arguments in [[], ["--help"], ["help"], ["help", "list"], ["list", "lst"], ["whoami"], ["--version"]] {
      #expect(Keyward.mistypedVerb(in: arguments) == nil)
    }
  }

  @Test("a permission may be given twice where it finds keys, and not where a key has one")
  func repeatablePermission() {
    for verb in ["list", "revoke", "delete", "enable", "disable"] {
      #expect(Keyward.repeatable(in: [verb, "--permission", "chat"]).contains("--permission"))
    }
    for verb in ["create", "validate"] { #expect(!Keyward.repeatable(in: [verb]).contains("--permission")) }
  }

  @Test(
    "an order is a field, and :desc turns it round",
    arguments: [
      ("created", ListOrder(.createTime)), ("name:desc", ListOrder(.name, descending: true)),
      ("expires:asc", ListOrder(.expireTime)), ("last-used:desc", ListOrder(.lastUsedTime, descending: true)),
    ])
  func order(_ text: String, _ order: ListOrder) throws {
    let verb = try #require(try Keyward.parseAsRoot(["list", "--order", text]) as? List)
    #expect(verb.order.order == order)
    #expect(try #require(try Keyward.parseAsRoot(["list"]) as? List).order.order == ListOrder())
  }

  @Test("filters become one question")
  func filters() throws {
    let arguments = ["list", "--soon-unavailable", "--unavailable", "--permission", "chat", "--query", "Ann"]
    let verb = try #require(try Keyward.parseAsRoot(arguments) as? List)
    let query = try verb.filter.listQuery(pageToken: "")
    #expect(query.availabilities == [.soonUnavailable, .unavailable] && query.permissions == [.chat])
    #expect(query.text.given == "Ann" && query.pageSize == ListQuery.maxPageSize && !query.showDeleted)
    let long = try #require(
      try Keyward.parseAsRoot(["list", "--query", String(repeating: "x", count: 129)]) as? List)
    #expect(throws: CommandFailure.self) { try long.filter.listQuery(pageToken: "") }
  }

  @Test("a word behind one dash is refused, named, and told how to be written")
  func singleDash() {
    func told(_ arguments: String...) -> String? {
      objection(to: arguments) { Validate.repeated($0, of: arguments) }
    }
    let rest = "any other word may stand after a -- alone, at the end"
    #expect(
      told("create", "x", "--expires", "-3d")
        == "\"-3d\" begins with a single dash, and options begin with two: as the value of --expires it is written "
        + "--expires=-3d, and \(rest)")
    #expect(
      told("create", "-dash", "--permission", "chat")
        == "\"-dash\" begins with a single dash, and options begin with two: \(rest)")
    #expect(told("list", "--page-size=7", "-1")?.contains("as the value of") == false)
    #expect(told("list", "-\u{1B}[2J")?.contains("\"-\\u{1B}[2J\"") == true)
    for secret in [["validate", "-hunter2"], ["show", "-kw_chat_x"]] {
      let text = objection(to: secret) { Validate.repeated($0, of: secret) }
      #expect(text?.hasPrefix("a word begins with a single dash") == true)
    }
  }

  @Test("a value that begins with a dash is taken after a sign")
  func dashAfterSign() throws {
    let verb = try #require(try Keyward.parseAsRoot(["copy", "x", "--name=-dash"]) as? Copy)
    #expect(verb.name == "-dash" && objection(to: ["copy", "x", "--name=-dash"]) == nil)
    #expect(
      try #require(try Keyward.parseAsRoot(["create", "--permission", "chat", "--", "-d"]) as? Create).name == "-d")
  }

  @Test("what begins as our secrets do is cut short in a message wherever it stood on the command line")
  func masked() {
    let arguments = ["show", "kw_chat_abc", "--name=xkw_mail_d", "--reason", "see kw_gate"]
    #expect(
      Validate.masked("no key has the name \"kw_chat_abc\", nor kw_mail_d, kw_gate or kw_", of: arguments)
        == "no key has the name \"kw_…\", nor kw_…, kw_… or kw_")
    #expect(Validate.masked("no key has the name \"Web\"", of: ["show", "Web"]) == "no key has the name \"Web\"")
  }

  @Test("a span is refused where the same request has to be asked for again, and what is the same each time is not")
  func spanWithRequestID() {
    let create = ["create", "x", "--permission", "chat", "--request-id", "r"]
    #expect(refusal(create + ["--expires", "90d"])?.contains("give a date or an instant") == true)
    for when in ["never", "2090-01-31", "2090-01-31T00:00:00Z"] {
      #expect(refusal(create + ["--expires", when]) == nil)
    }
    #expect(refusal(["rotate", "x", "--request-id", "r", "--grace", "1mo"])?.contains("give days") == true)
    #expect(refusal(["rotate", "x", "--request-id", "r", "--grace", "30d"]) == nil)
    #expect(refusal(["rotate", "x", "--grace", "1mo"]) == nil)
  }

  @Test(
    "what is not an option may come as it likes",
    arguments: [
      ["validate", "--permission", "chat", "--file", "-"], ["show", "--", "--socket", "--socket"], ["-h"],
      ["create", "chat", "--permission", "chat"],
    ])
  func noObjection(_ arguments: [String]) {
    #expect(objection(to: arguments) == nil)
  }

  private func refusal(_ arguments: [String]) -> String? {
    do {
      _ = try Keyward.parseAsRoot(arguments)
      return nil
    } catch {
      return Keyward.fullMessage(for: error)
    }
  }

  @Test(
    "a secret on the command line is refused, and what is printed does not repeat it",
    arguments: [
      ["validate", "--permission", "chat", "hunter2hunter2"], ["validate", "hunter2hunter2"],
      ["validate", "--permission", "hunter2hunter2"], ["validate", "--permission=hunter2hunter2"],
      ["validate", "--permission", "chat", "--secret", "hunter2hunter2"],
      ["validate", "--permission", "chat", "--secret=hunter2hunter2"], ["hunter2hunter2", "validate"],
    ])
  func straySecret(_ arguments: [String]) throws {
    let message = try #require(refusal(arguments))
    #expect(!message.contains("hunter2") || Validate.isRiskyToEcho(message, of: arguments))
  }

  @Test("a secret of ours is not repeated whatever the verb")
  func straySecretElsewhere() throws {
    let arguments = ["status", "kw_chat_0123456789"]
    #expect(Validate.isRiskyToEcho(try #require(refusal(arguments)), of: arguments))
  }

  @Test("a mistyped permission is repeated beside the right ones")
  func mistypedPermission() throws {
    let arguments = ["validate", "--permission", "chta"]
    let message = try #require(refusal(arguments))
    #expect(message.contains("'chta'") && message.contains("secure-mail"))
    #expect(!Validate.isRiskyToEcho(message, of: arguments))
  }

  @Test("a stray word after validate is answered with where the secret goes")
  func strayAdvice() throws {
    let message = try #require(refusal(["validate", "--permission", "chat", "x"]))
    #expect(message.contains("standard input") && message.contains("KEYWARD_SECRET"))
  }

  @Test(
    "what contradicts itself or makes no sense is refused",
    arguments: [
      ["list", "--all", "--page-token", "x"], ["list", "--page-size", "0"], ["list", "--page-size", "1001"],
      ["status", "--socket", ""], ["status", "--output", "xml"], ["create", "x"], ["create", "--permission", "chat"],
      ["rename", "x"], ["expire", "x"], ["expire", "x", "soon"], ["revoke", "x", "--at", "never"],
      ["revoke", "x", "--at", "2027-02-30"], ["delete"], ["rotate", "x", "--grace", "never"],
      ["rotate", "x", "--grace", "2027-01-31"], ["rotate", "x", "--grace", "7"], ["audit", "x"],
      ["audit", "--type", "renamed"], ["audit", "--type", "CREATED"], ["audit", "--since", "never"],
      ["audit", "--user", ""], ["audit", "--limit", "0"], ["audit", "--limit=-1"], ["audit", "--limit", "all"],
      ["audit", "--verify", "--limit", "1"], ["enable", "x", "--request-id", "r"],
      ["create", "x", "--permission", "chat", "--etag", "1"], ["list", "--query", ""], ["list", "--order", "size"],
      ["list", "--order", "name:down"], ["list", "--order", "name:desc:desc"], ["list", "--as-of", "never"],
      ["validate", "--permission", "chat", "--as-of", "never"], ["revoke"], ["enable"], ["disable"],
      ["revoke", "x", "--all"], ["revoke", "x", "--query", "y"], ["delete", "x", "--dry-run"],
      ["disable", "x", "--available"], ["revoke", "--query", "x"], ["delete", "--all", "--etag", "7"],
      ["disable", "--all", "--deleted"], ["rotate", "--all"],
      ["show"], ["create", "x", "--permission", "chat", "--expires", "2027-02-30"],
      ["validate", "--permission", "chat", "--batch", ""], ["reload", "x"],
      ["validate", "--permission", "chat", "--batch", "a", "--file", "b"],
    ])
  func refused(_ arguments: [String]) {
    #expect(refusal(arguments) != nil)
  }

  @Test(
    "what the verbs for a key's life take",
    arguments: [
      ["rename", "x", "y", "--etag", "7"], ["enable", "x"], ["disable", "x", "--etag", "7", "--output", "json"],
      ["expire", "x", "never"], ["expire", "x", "90d", "--etag", "7"], ["revoke", "x"],
      ["revoke", "x", "--at", "7d", "--reason", "leaked", "--etag", "7"], ["delete", "x", "--yes"], ["undelete", "x"],
      ["copy", "x", "--name", "y", "--request-id", "r", "--etag", "7"], ["rotate", "x", "--grace", "7d"],
      ["audit"], ["audit", "--key", "x", "--user", "ann", "--since", "7d", "--until", "2027-01-31"],
      ["audit", "--type", "created", "--type", "soon-unavailable"], ["audit", "--limit", "1", "--key", "x"],
      ["list", "--available", "--soon-unavailable", "--unavailable", "--permission", "chat", "--permission", "chat"],
      [
        "list", "--query", "ann", "--order", "last-used:desc", "--deleted", "--as-of", "2090-01-31", "--page-size", "7",
      ],
      ["validate", "--permission", "chat", "--as-of", "90d"], ["enable", "--all", "--dry-run"],
      ["disable", "--all", "--unavailable", "--yes"], ["delete", "--all", "--query", "ann", "--permission", "chat"],
      ["revoke", "--all", "--at", "7d", "--reason", "left", "--yes"], ["reload", "--output", "json"],
      ["validate", "--permission", "chat", "--batch", "-", "--as-of", "7d"],
    ])
  func accepted(_ arguments: [String]) {
    #expect(refusal(arguments) == nil)
  }

  @Test("an etag that no key ever had becomes one that none has")
  func etags() throws {
    for (text, revision) in [("7", 7), ("x", -1), ("0x7", -1), ("99999999999999999999", -1)] as [(String, Revision)] {
      let verb = try #require(try Keyward.parseAsRoot(["enable", "x", "--etag=\(text)"]) as? Enable)
      #expect(verb.etag.revision == revision)
    }
    #expect(try #require(try Keyward.parseAsRoot(["enable", "x"]) as? Enable).etag.revision == nil)
  }
}
