import Foundation
import KeywardClient
import KeywardCore
import Testing

/// `keyward validate` reads its plain command lines by itself and all others by argument-parser: the same is answered.
@Suite("keyward validate")
struct ValidateCommandTests {
  private struct Case {
    let name: String
    var permission = "chat"
    var input = ""
    var more: [String] = []
    let status: Int32
  }

  @Test("the answer, the exit status and the error are the same however the options are written")
  func forms() throws {
    let daemon = try Daemon()
    let client = try daemon.client()
    let (_, secret) = try client.createKey(CreateKey(name: KeyName("a key"), permission: .chat))
    let text = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    let (disabled, other) = try client.createKey(CreateKey(name: KeyName("another"), permission: .secureMail))
    _ = try client.updateKey(disabled.key.id, KeyUpdate(enabled: false))
    let off = other.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    let file = daemon.scratch.closed + "/secret"
    try (text + "\n").write(toFile: file, atomically: true, encoding: .utf8)

    let cases = [
      Case(name: "valid", input: text, status: 0),
      Case(name: "valid, with a newline", input: text + "\n", status: 0),
      Case(name: "a file", more: ["--file", file], status: 0),
      Case(name: "JSON", input: text, more: ["--output", "json"], status: 0),
      Case(name: "a table", input: text, more: ["--output", "table"], status: 0),
      Case(name: "wrong permission", permission: "secure-mail", input: text, status: 1),
      Case(name: "disabled", permission: "secure-mail", input: off, more: ["--output", "json"], status: 1),
      Case(name: "malformed", input: text + "x", status: 1),
      Case(name: "not found", input: "of another system", status: 1),
      Case(name: "too long", input: String(repeating: "x", count: 2000), status: 1),
      Case(name: "nothing", status: EX_DATAERR),
      Case(name: "no such file", more: ["--file", file + "kw_chat_abcdefg"], status: EX_NOINPUT),
      Case(name: "a folder", more: ["--file", daemon.scratch.closed], status: EX_IOERR),
      Case(name: "no socket", input: text, more: ["--socket", file + "-none"], status: EX_UNAVAILABLE),
      Case(name: "no socket's path", input: text, more: ["--socket", file + text + text], status: EX_UNAVAILABLE),
    ]
    for one in cases {
      func run(_ arguments: [String]) throws -> Command {
        try Command.keyward(["validate"] + arguments, at: daemon.scratch, input: one.input)
      }
      let plain = try run(["--permission", one.permission] + one.more)
      // With a =, the parser reads it all.
      let parsed = try run(["--permission=\(one.permission)"] + one.more)
      #expect(plain.status == one.status, "\(one.name): \(plain.errors)")
      #expect(plain.status == parsed.status, "\(one.name)")
      #expect(plain.output == parsed.output, "\(one.name)")
      #expect(plain.errors == parsed.errors, "\(one.name)")
      #expect(plain.output.isEmpty != plain.errors.isEmpty, "\(one.name)")
    }
  }
}
