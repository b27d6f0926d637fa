import Foundation
import KeywardClient
import KeywardCore
import Testing

/// containerd's own ttrpc client, as any Go program has it, against a real daemon. It shares no code with keyward.
@Suite(
  .enabled(
    if: GoClient.path != nil,
    """
    KEYWARD_GO_CLIENT does not name the Go client: have it built with .make/go Tests/DaemonTests/GoClient OUT and set \
    KEYWARD_GO_CLIENT to OUT
    """))
struct GoClientTests {
  @Test func `A key that keyward made is good for a Go program`() throws {
    let daemon = try Daemon()
    let made = try Command.keyward(
      ["create", "Büro", "--permission", "chat", "--output", "json"], at: daemon.scratch)
    let secret = try #require(made.json["secret"] as? String, "\(made.errors)")
    let key = try #require(made.json["key"] as? [String: Any])
    let valid = try daemon.go(["validate", "chat"], input: secret).only()
    #expect(valid.verdict == "VERDICT_VALID")
    #expect(valid.keyID == key["id"] as? String)
    #expect(valid.name == "Büro")
    #expect(valid.revision == 1)
    let wrong = try daemon.go(["validate", "secure-mail"], input: secret).only()
    #expect(wrong.verdict == "VERDICT_WRONG_PERMISSION")
    #expect(wrong.keyID == "" && wrong.name == "" && wrong.revision == 0)
    #expect(try daemon.go(["validate", "chat"], input: secret + "x").only().verdict == "VERDICT_MALFORMED")
  }

  @Test func `A key that a Go program made is good for keyward`() throws {
    let daemon = try Daemon()
    let made = try daemon.go(["create", "mailer", "secure-mail"]).only()
    let secret = try #require(made.secret)
    let id = try #require(made.id)
    let validation = try Command.keyward(
      ["validate", "--permission", "secure-mail", "--output", "json"], at: daemon.scratch, input: secret)
    #expect(validation.status == 0, "\(validation.errors)")
    #expect(validation.json["keyId"] as? String == id)
    let key = try daemon.go(["get", id]).only()
    #expect(key.name == "mailer")
    #expect(key.permission == "PERMISSION_SECURE_MAIL")
    #expect(key.state == "STATE_ACTIVE")
    #expect(key.hint.map { secret.hasPrefix($0.prefix(8)) && secret.hasSuffix($0.suffix(4)) } == true)
  }

  @Test func `A second key of the same name is refused with a status`() throws {
    let daemon = try Daemon()
    #expect(try daemon.go(["create", "n", "chat"]).only().id != nil)
    let refused = try daemon.go(["create", "n", "chat"]).only()
    #expect(refused.code == .alreadyExists)
    #expect(refused.message?.contains("\"n\"") == true)
    #expect(try daemon.go(["get", "key_00000000000000000000"]).only().code == .notFound)
    #expect(try daemon.go(["get", "key_"]).only().code == .invalidArgument)
  }

  @Test func `Goroutines that share one connection all get their own answers`() throws {
    let daemon = try Daemon()
    let secret = try #require(try daemon.go(["create", "n", "chat"]).only().secret)
    let counts = try daemon.go(["validate-many", "chat", "16", "500"], input: secret).only()
    #expect(counts.verdicts == ["VERDICT_VALID": 8000])
    #expect(counts.errors == [:])
    #expect(try daemon.go(["status"]).only().callCount ?? 0 >= 8001)
  }

  @Test func `Keys made at the same time on one connection are all there, and after a restart`() throws {
    var daemon = try Daemon()
    let counts = try daemon.go(["create-many", "k", "chat", "32", "10"]).only()
    #expect(counts.created == 320)
    #expect(counts.errors == [:])
    let names = try daemon.names()
    let expected = Set((0..<32).flatMap { goroutine in (0..<10).map { "k-\(goroutine)-\($0)" } })
    #expect(names.count == 320)
    #expect(Set(names) == expected)
    #expect(daemon.end() == 0, "\(daemon.logText)")
    daemon = try Daemon(daemon.scratch)
    #expect(try daemon.names() == names)
  }

  @Test func `A call of what is not there is UNIMPLEMENTED`() throws {
    let results = try Daemon().go(["unknown"]).results
    #expect(results.map(\.code) == [.unimplemented, .unimplemented])
    #expect(results.last?.message?.contains("keyward.v9.X/Y") == true)
  }

  @Test func `A key survives a daemon that is killed`() throws {
    var daemon = try Daemon()
    let made = try daemon.go(["create", "n", "chat"]).only()
    let secret = try #require(made.secret)
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    #expect(try daemon.go(["whoami"]).status == 1, "nobody answers")
    daemon = try Daemon(daemon.scratch)
    let validation = try daemon.go(["validate", "chat"], input: secret).only()
    #expect(validation.verdict == "VERDICT_VALID")
    #expect(validation.keyID == made.id)
  }

  @Test func `Calls that come too late leave the connection good`() throws {
    let results = try Daemon().go(["deadline"]).results
    try #require(results.count == 4)
    #expect(results[0].code == .deadlineExceeded)
    #expect(results[1].code == .deadlineExceeded)
    #expect(results[1].message?.contains("timeout_nano") == true, "the daemon's own words")
    #expect((results[2].inTime ?? 0) + (results[2].late ?? 0) == 200)
    #expect(results[3].uid == geteuid())
  }

  @Test(arguments: [(1, 7), (3, 3), (7, 1), (1000, 1), (0, 1)])
  func `Pages hold every key once`(pageSize: Int, pages: Int) throws {
    let daemon = try Daemon()
    #expect(try daemon.go(["create-many", "k", "chat", "7", "1"]).only().created == 7)
    let list = try daemon.go(["list", "\(pageSize)"]).only()
    #expect(list.count == 7)
    #expect(list.distinct == 7)
    #expect(list.totalSize == 7)
    #expect(list.pages == pages)
  }

  @Test func `A negative page size is refused`() throws {
    #expect(try Daemon().go(["list", "-1"]).only().code == .invalidArgument)
  }

  @Test func `The daemon knows a Go program by the kernel's word`() throws {
    let identity = try Daemon().go(["whoami"]).only()
    #expect(identity.uid == geteuid())
    #expect(identity.gids?.first == getegid())
    #expect(identity.rights?.contains("canCreate") == true)
  }
}

/// A run of the Go client.
private struct GoClient {
  static let path = ProcessInfo.processInfo.environment["KEYWARD_GO_CLIENT"].flatMap { $0.isEmpty ? nil : $0 }

  /// One line of its output: whichever members the command prints.
  struct Result: Decodable {
    let code: StatusCode?
    let message: String?

    let id: String?
    let secret: String?
    let verdict: String?
    let keyID: String?
    let name: String?
    let permission: String?
    let state: String?
    let hint: String?
    let revision: Int64?

    let verdicts: [String: Int]?
    let created: Int?
    let errors: [String: Int]?
    let count: Int?
    let distinct: Int?
    let pages: Int?
    let totalSize: Int64?
    let callCount: Int64?
    let inTime: Int?
    let late: Int?

    let uid: UInt32?
    let gids: [UInt32]?
    let rights: [String]?

    enum CodingKeys: String, CodingKey {
      case code, message, id, secret, verdict, name, permission, state, hint, revision, verdicts, created, errors
      case count, distinct, pages, late, uid, gids, rights
      case keyID = "key_id"
      case totalSize = "total_size"
      case callCount = "call_count"
      case inTime = "in_time"
    }
  }

  let status: Int32
  let results: [Result]
  private let errors: String

  init(_ arguments: [String], at scratch: Scratch, input: String) throws {
    let command = try Command([try #require(Self.path), scratch.socket] + arguments, input: input)
    status = command.status
    errors = command.errors
    results = try command.output.split(separator: "\n").map {
      try JSONDecoder().decode(Result.self, from: Data($0.utf8))
    }
  }

  /// The result of a command that has one.
  func only() throws -> Result {
    try #require(status == 0 && results.count == 1, "the Go client ended with \(status): \(errors)")
    return results[0]
  }
}

extension StatusCode: Decodable {}

extension Daemon {
  fileprivate func go(_ arguments: [String], input: String = "") throws -> GoClient {
    try GoClient(arguments, at: scratch, input: input)
  }

  /// The names of all keys, by keyward's own client.
  fileprivate func names() throws -> [String] {
    let client = try client()
    var names: [String] = []
    var token = ""
    repeat {
      let page = try client.listKeys(ListQuery(pageSize: 100, pageToken: token))
      names += page.keys.map { $0.key.name.text }
      token = page.nextPageToken
    } while !token.isEmpty
    return names
  }
}
