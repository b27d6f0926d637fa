import KeywardClient
import KeywardCore
import Testing

@testable import keyward

/// What a list of keys may look like, and what is said, of which line and column, where it looks otherwise.
@Suite struct ImportListTests {
  private static let ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  private static let header = "name,permission,secret,sha256,expires,creator,disabled\n"

  private func list(_ text: String, _ format: ListFormat = .csv) throws(ImportError) -> ImportList {
    try ImportList(ImportText(Array(text.utf8)), as: format)
  }

  private func keys(_ text: String, _ format: ListFormat = .csv) throws -> [KeyToImport] {
    try list(text, format).portions.flatMap(\.keys)
  }

  private func error(_ text: [UInt8], _ format: ListFormat) -> String? {
    do throws(ImportError) {
      _ = try ImportList(ImportText(text), as: format)
      return nil
    } catch {
      return "\(error.place.line):\(error.place.column): \(error.message)"
    }
  }

  @Test func `CSV is read as RFC 4180 has it`() throws {
    let text =
      "\u{FEFF}secret,name,permission,disabled,creator,expires\r\n"
      + "\"a, \"\"quoted\"\"\r\nsecret\",\"Bü,ro\",chat,true,\"ann\",2030-01-31T00:00:00Z\r\n"
      + "\r\nplain,b,secure-mail,,,never"
    let keys = try keys(text)
    #expect(keys.map(\.key.name.text) == ["Bü,ro", "b"])
    #expect(
      keys.map { $0.secret?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } } == [
        "a, \"quoted\"\r\nsecret", "plain",
      ])
    #expect(keys.map(\.key.permission) == [.chat, .secureMail])
    #expect(keys.map(\.key.enabled) == [false, true])
    #expect(keys.map(\.key.creator) == ["ann", ""])
    #expect(keys.map(\.key.expireTime) == [Instant(rfc3339: "2030-01-31T00:00:00Z"), nil])
  }

  @Test func `JSON Lines are read as the protocol buffers' JSON`() throws {
    let keys = try keys(
      """
      {"name": "a\\u00e9\\ud83d\\udd11", "permission": "PERMISSION_CHAT", "secret": "s\\"\\\\\\/", "creator": null}

      \t{ "permission" :"secure-mail","name":"b","sha256":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",\
      "expireTime":"2030-01-31T00:00:00Z","creator":"ann","disabled":true }
      """, .jsonl)
    #expect(keys.map(\.key.name.text) == ["aé🔑", "b"])
    #expect(keys.first?.secret?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == "s\"\\/")
    #expect(keys.last?.secret == nil && keys.last?.key.enabled == false && keys.last?.key.creator == "ann")
    // The SHA-256 of "test".
    #expect(keys.last?.key.credential.digest == Array("test".utf8).withUnsafeBytes { Digest(sha256: $0) })
  }

  @Test func `A SHA-256 may be in hexadecimal digits of either case`() throws {
    let digits = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    for digits in [digits, digits.uppercased()] {
      let keys = try keys("name,permission,sha256\na,chat,\(digits)\n")
      #expect(keys.first?.key.credential.digest == Array("test".utf8).withUnsafeBytes { Digest(sha256: $0) })
    }
  }

  @Test(arguments: [
    ("", "1:1: is empty"), ("\n\n", "1:1: is empty"),
    ("name,permission\n", "1:1: has no column secret or sha256"), ("name,secret\n", "1:1: has no column permission"),
    ("permission,secret\n", "1:1: has no column name"), ("name,permission,key\n", "1:17: is no column to import"),
    ("name,permission,secret,name\n", "1:24: names the column name a second time"),
    ("name,permission,secret\na,chat\n", "2:7: ends after 2 of 3 values"),
    ("name,permission,secret\né,chat,s,t\n", "2:10: is one value more"),
    ("name,permission,secret\na,chat,\"s\n\n", "2:8: is a quote that is never closed"),
    ("name,permission,secret\na,chat,\"s\"t\n", "2:11: goes on after a closing quote"),
    ("name,permission,secret\na,chat,s\"t\n", "2:9: is a quote in a value"),
    (header + "a,chat,s,,,,\r\n,chat,t,,,,\n", "3:1: name is missing"),
    (header + "a,,s,,,,\n", "2:1: permission is missing"), (header + "a,mail,s,,,,\n", "2:3: permission is not chat"),
    (header + "a,chat,,,,,\n", "2:1: secret and sha256 are missing"),
    (header + "a,chat,s,00,,,\n", "2:10: sha256 is given beside secret"),
    (header + "a,chat,,abc,,,\n", "2:9: sha256 is no SHA-256"),
    (header + "a,chat,s,,soon,,\n", "2:11: expires is no time"),
    (header + "a,chat,s,,90d,,\n", "2:11: expires is no time"),
    (header + "a,chat,s,,2030-02-30,,\n", "2:11: expires is no date of the calendar"),
    (header + "a,chat,s,,2030-02-30T00:00:00Z,,\n", "2:11: expires is no date of the calendar"),
    (header + "a,chat,s,,1960-01-01,,\n", "2:11: expires is not in the years 1970 to 9999"),
    (header + "a,chat,,\(ofNothing),,,\n", "2:9: sha256 is that of the empty text"),
    ("name,permission,secret,rate\na,chat,s,often\n", "2:10: rate is no rate: give 100/1m"),
    ("name,permission,secret,uses\na,chat,s,0\n", "2:10: uses use_limit.total is 0"),
    (header + "a,chat,s,,1960-01-01T00:00:00Z,,\n", "2:11: expires is not in the years"),
    (header + "a,chat,s,,,\u{1},\n", "2:12: creator has the control character U+0001"),
    (header + "a,chat,s,,,,yes\n", "2:13: disabled is not true or false"),
    (header + "\"a\nb\",chat,s,,,,\n", "2:1: name has the control character U+000A"),
    (header + "\"a\",chat,\"s\ns\",,,,\nb,chat,s,,,,no\n", "4:13: disabled is not"),
    (header + "a,chat,s,,,,\n\nb,chat,s,,,,\n", "4:8: secret is that of line 2 too"),
    (header + "e\u{301},chat,s,,,,\né,chat,t,,,,\n", "3:1: name is that of line 2 too"),
    (header + "a,chat,kw_chat_sssss,,,,\n", "2:8: secret begins with \"kw_\""),
  ])
  func `A mistake in CSV is told with its line and column`(text: String, message: String) throws {
    let found = try #require(error(Array(text.utf8), .csv))
    #expect(found.hasPrefix(message), "\(found)")
  }

  @Test(arguments: [
    ("[]", "1:1: is no object"), ("{\"name\":\"a\"}x", "1:13: goes on after the object"),
    ("{\"name\":\"a\",}", "1:13: is not a member's name"), ("{\"nam\":\"a\"}", "1:2: is no field of a key"),
    ("{\"name\":\"a\",\"name\":\"b\"}", "1:13: is the field name a second time"),
    ("{\"name\" \"a\"}", "1:9: is not the colon"), ("{\"name\":1}", "1:9: is not a string for name"),
    ("{\"name\":\"a\" \"b\"}", "1:13: is neither a comma"), ("{\"name\":\"a", "1:9: is a string that does not end"),
    ("{\"name\":\"a\n\"}", "1:9: is a string that does not end"), ("{\"name\":\"é\\x\"}", "1:11: is no escape"),
    ("{\"name\":\"\\ud800\"}", "1:10: is no escape"), ("{\"name\":\"\\u00g0\"}", "1:10: is no escape"),
    ("{\"disabled\":\"true\"}", "1:13: is not true or false, as disabled"),
    ("{\"enabled\":1}", "1:12: is not true or false, as enabled"), ("{\"id\":7}", "1:7: is not a string for id"),
    ("{\"rateLimit\":\"5/1s\"}", "1:14: is not an object for rateLimit"),
    ("{\"rateLimit\":{\"count\":5}}", "1:14: rateLimit.period is no whole number of seconds"),
    ("{\"rateLimit\":{\"count\":\"x\",\"period\":\"1s\"}}", "1:23: rateLimit.count is no number"),
    ("{\"rateLimit\":{\"count\":0,\"period\":\"1s\"}}", "1:14: rate_limit.count is 0: give 1 to"),
    ("{\"useLimit\":{\"total\":5},\"useLimit\":{\"total\":6}}", "1:25: is the field useLimit a second time"),
    ("{\"useLimit\":{\"total\":5,\"total\":5}}", "1:24: is a member of useLimit a second time"),
    ("{\"useLimit\":{\"total\":5,\"refill\":\"never\"}}", "1:33: useLimit.refill is none of REFILL_NEVER,"),
    ("{\"useLimit\":{\"sum\":5}}", "1:13: useLimit has a member that there is not: give refill, total"),
    (
      "{\"name\":\"a\",\"permission\":\"chat\",\"secret\":\"s\",\"disabled\":true,\"enabled\":false}",
      "1:57: disabled is given beside enabled"
    ),
    ("{}", "1:1: name is missing"),
    ("{", "1:2: is not a member"),
    ("\n{\"name\":\"\\u00e9\",\"permission\":\"x\"}", "2:31: permission is not chat"),
  ])
  func `A mistake in JSON Lines is told with its line and column`(text: String, message: String) throws {
    let found = try #require(error(Array(text.utf8), .jsonl))
    #expect(found.hasPrefix(message), "\(found)")
  }

  @Test(arguments: ListFormat.allCases)
  func `Bytes that are not UTF-8 are told with their place`(format: ListFormat) {
    let bytes = Array("a\né,".utf8) + [0xFF]
    #expect(error(bytes, format) == "2:3: is not UTF-8: give the list in UTF-8")
  }

  @Test func `What one call can hold is one portion`() throws {
    let list = try list("name,permission,secret\n" + (0..<10_000).map { "n\($0),chat,s\($0)\n" }.joined())
    #expect(list.portions.map(\.keys.count) == [10_000])
  }

  @Test func `A longer list goes in small portions`() throws {
    let creator = String(repeating: "c", count: 100)
    let text =
      "name,permission,secret,creator\n" + (0..<25_000).map { "n\($0),chat,secret-\($0),\(creator)\n" }.joined()
    let list = try list(text)
    #expect(list.count == 25_000)
    #expect(list.portions.map(\.keys.count).reduce(0, +) == 25_000)
    for portion in list.portions {
      #expect(portion.keys.count <= 1000)
      #expect(portion.keys.map(\.byteCount).reduce(0, +) <= Client.importByteLimit)
    }
  }

  @Test func `What the daemon says of an entry is told with its line and column`() throws {
    let list = try list(Self.header + "a,chat,s,,,,\nb,chat,t,,,,\n")
    func place(_ message: String) -> ImportPlace? { list.error(message, portion: 0)?.place }
    #expect(place("keys[1].name is the name of a key") == ImportPlace(line: 3, column: 1))
    #expect(place("keys[1].secret is") == ImportPlace(line: 3, column: 8))
    #expect(place("keys[0].creator is") == ImportPlace(line: 2, column: 1))
    #expect(list.error("keys[1].name is the name of a key", portion: 0)?.message == "name is the name of a key")
    for message in [
      "keys[2].name is", "keys[-1].name is", "keys[x].name", "keys[1", "keys[1]", "portions[1].keys[0].name is",
      "portions[0].name is", "portions[0]", "portions[", "no", "",
    ] { #expect(place(message) == nil, "\(message)") }
  }

  @Test func `What the daemon says of an entry of an earlier portion is told with its line and column`() throws {
    let list = try list("name,permission,secret\n" + (0..<10_050).map { "n\($0),chat,s\($0)\n" }.joined())
    try #require(list.portions.map(\.keys.count) == Array(repeating: 1000, count: 10) + [50])
    func place(_ message: String) -> ImportPlace? { list.error(message, portion: 10)?.place }
    #expect(place("portions[0].keys[17].name is the name") == ImportPlace(line: 19, column: 1))
    #expect(place("keys[17].secret is the secret") == ImportPlace(line: 10_019, column: 13))
    #expect(list.error("portions[0].keys[17].name is it", portion: 10)?.message == "name is it")
    #expect(place("portions[11].keys[0].name is") == nil && place("keys[50].name is") == nil)
  }

  @Test(arguments: [
    (ClientError.unreachable("gone"), false, "the daemon stopped answering before it had the whole list"),
    (.refused(.deadlineExceeded, "late"), false, "the daemon stopped answering before it had the whole list"),
    (.refused(.aborted, "no upload"), false, "no upload"), (.refused(.alreadyExists, "here"), true, "here"),
    (.refused(.resourceExhausted, "full"), true, "full"),
  ])
  func `A failure that leaves nothing behind says so`(error: ClientError, isLast: Bool, told: String) {
    #expect(Import.consequence(of: error, isLast: isLast, error.message) == told + "; nothing was imported")
  }

  @Test(arguments: [
    ClientError.unreachable("gone"), .timedOut("gone"), .refused(.unavailable, "gone"),
    .refused(.deadlineExceeded, "gone"),
  ])
  func `An answer that does not come to the end of a list leaves all or nothing`(error: ClientError) {
    #expect(
      Import.consequence(of: error, isLast: true, error.message)
        == "gone; all keys were imported, or none: where they were, the same command says that they are here already")
  }

  @Test func `A format is known by the file's name, and else by how the list begins`() {
    func format(_ path: String, _ text: String = "name,") -> ListFormat {
      ListFormat(path: path, of: ImportText(Array(text.utf8)))
    }
    #expect(["a.jsonl", "a.NDJSON", "a.json"].map { format($0) } == [.jsonl, .jsonl, .jsonl])
    #expect(["a.csv", "-", "a"].map { format($0) } == [.csv, .csv, .csv])
    for text in ["{}", "\n \t\r\n{", "\u{FEFF} {"] { #expect(format("-", text) == .jsonl, "\(text)") }
    for text in ["", "\u{FEFF}", "  ", "x{"] { #expect(format("-", text) == .csv, "\(text)") }
    #expect(format("a.csv", "{}") == .csv && format("list", "{}") == .jsonl)
  }

  @Test func `Limits come as they are given to create, or as the protocol buffers' JSON has them`() throws {
    let csv = try keys("name,permission,secret,rate,uses\na,chat,s,\"100/1m,burst=20\",1000/monthly\nb,chat,t,none,\n")
    let jsonl = try keys(
      """
      {"name":"a","permission":"chat","secret":"s","rateLimit":{"count":"100","period":"60s","burst":20},\
      "useLimit":{"total":"1000","refill":"REFILL_MONTHLY"}}
      {"name":"b","permission":"chat","secret":"t","rateLimit":null}
      """, .jsonl)
    for keys in [csv, jsonl] {
      #expect(
        try keys.map(\.key.rateLimit) == [RateLimit(count: 100, periodSeconds: 60, burst: 20), nil])
      #expect(try keys.map(\.key.useLimit) == [UseLimit(total: 1000, refill: .monthly), nil])
    }
  }

  @Test func `What only an export says is passed over, but no key that has ended comes to life`() throws {
    let header =
      "id,name,permission,expires,creator,disabled,state,availability,revoked,revoke_reason,hint,created,updater,"
      + "updated,last_used,deleted,purged,etag,rate,uses,secret\n"
    let row = "key_x,a,chat,,ann,FALSE,active,available,,,h,t,ann,t,,,,7,5/1s,,s\n"
    #expect(try keys(header + row).first?.key.rateLimit == RateLimit(count: 5, periodSeconds: 1))
    let json = #""id":"key_x","name":"a","permission":"PERMISSION_CHAT","state":"STATE_ACTIVE","etag":"7","secret":"s""#
    #expect(try keys("{\(json),\"enabled\":false}", .jsonl).first?.key.enabled == false)
    #expect(
      error(Array((header + "key_x,a,chat,,ann,false,revoked,unavailable,2030-01-31,,,,,,,,,,,,s\n").utf8), .csv)
        == "2:45: tells that the key is revoked, and no key is imported so: leave the line out")
    for field in ["revokeTime", "deleteTime"] {
      let text = "{\(json),\"\(field)\":\"2030-01-31T00:00:00Z\"}"
      #expect(error(Array(text.utf8), .jsonl)?.hasSuffix("no key is imported so: leave the line out") == true)
    }
  }

  @Test func `Blanks between the names of the header line are no part of them, and values are as they are`() throws {
    let keys = try keys(" name ,\tpermission, secret , disabled\na,chat, s ,True\n")
    #expect(keys.first?.secret?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == " s ")
    #expect(keys.first?.key.enabled == false)
  }

  @Test func `A bar shows how far it is`() {
    let bar = ProgressBar(total: 200, isShown: false)
    #expect(bar.line("importing", 100) == "[###############---------------]  50 %  importing, 100 of 200 keys")
    #expect(bar.line("importing", 0).hasPrefix("[------------------------------]   0 %"))
    #expect(bar.line("importing", 200).hasPrefix("[##############################] 100 %"))
  }
}
