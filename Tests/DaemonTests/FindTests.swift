import Foundation
import KeywardClient
import KeywardCore
import Testing

/// Finding keys by the verbs, against a real daemon.
@Suite struct FindTests {
  private let daemon: Daemon
  private let client: Client

  init() throws {
    daemon = try Daemon()
    client = try daemon.client()
    for (name, permission, days) in [
      ("Web chat", Permission.chat, nil), ("web mail", .secureMail, 7), ("Batch", .chat, 90), ("Off", .chat, nil),
    ] as [(String, Permission, Int64?)] {
      let end = try days.map { try client.status().currentTime.adding(seconds: $0 * 86400) }
      _ = try client.createKey(CreateKey(name: try KeyName(name), permission: permission, expireTime: end))
    }
    _ = try client.updateKey(try client.key(name: try KeyName("Off")).key.id, KeyUpdate(enabled: false))
  }

  private func list(_ arguments: String...) throws -> [String: Any] {
    let command = try Command.keyward(["list"] + arguments + ["--output", "json"], at: daemon.scratch)
    try #require(command.status == 0, "\(arguments): \(command.errors)")
    return command.json
  }

  private func names(_ answer: [String: Any]) -> [String] {
    (answer["keys"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  @Test func `Each filter finds what it says, and filters of one kind are united`() throws {
    #expect(try names(list()) == ["Web chat", "web mail", "Batch", "Off"])
    #expect(try names(list("--available")) == ["Web chat", "web mail", "Batch"])
    #expect(try names(list("--soon-unavailable")) == ["web mail"])
    #expect(try names(list("--unavailable")) == ["Off"])
    #expect(try names(list("--soon-unavailable", "--unavailable")) == ["web mail", "Off"])
    #expect(try names(list("--permission", "secure-mail")) == ["web mail"])
    #expect(try names(list("--permission", "secure-mail", "--permission", "chat")).count == 4)
    #expect(try names(list("--query", "WEB")) == ["Web chat", "web mail"])
    #expect(try names(list("--query", "WEB", "--permission", "chat")) == ["Web chat"])
    #expect(try names(list("--query", "nothing like it")) == [])
  }

  @Test func `Keys come in the order asked for, in pages, with totals and the revision`() throws {
    #expect(try names(list("--order", "name")) == ["Batch", "Off", "Web chat", "web mail"])
    #expect(try names(list("--order", "expires:desc")) == ["Off", "Web chat", "Batch", "web mail"])
    let first = try list("--order", "name", "--page-size", "3", "--query", "b")
    #expect(names(first) == ["Batch", "Web chat", "web mail"])
    #expect(first["totalSize"] as? String == "3" && first["nextPageToken"] as? String == "")
    let page = try list("--order", "name", "--page-size", "1")
    #expect(page["totalSize"] as? String == "4")
    // The sweeper may have noted by now that a key is soon unavailable.
    #expect(["5", "6"].contains(page["revision"] as? String))
    let token = try #require(page["nextPageToken"] as? String)
    #expect(try names(list("--order", "name", "--page-size", "1", "--page-token", token)) == ["Off"])
    let foreign = try Command.keyward(["list", "--page-token", token, "--order", "created"], at: daemon.scratch)
    #expect(foreign.status == EX_DATAERR)
  }

  @Test func `Keys are judged as of a later time`() throws {
    #expect(try names(list("--as-of", "30d", "--unavailable")) == ["web mail", "Off"])
    #expect(try names(list("--as-of", "2090-01-31", "--available")) == ["Web chat"])
    #expect(try Command.keyward(["list", "--as-of", "2001-01-01"], at: daemon.scratch).status == EX_DATAERR)
    let id = try client.key(name: try KeyName("web mail")).key.id
    let secret = try client.rotateKey(id, try RotateKey(graceSeconds: 0)).secret
    func verdict(_ arguments: String...) throws -> (Int32, String?) {
      let command = try Command.keyward(
        ["validate", "--permission", "secure-mail", "--output", "json"] + arguments, at: daemon.scratch,
        input: secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
      return (command.status, command.json["verdict"] as? String)
    }
    #expect(try verdict() == (0, "VERDICT_VALID"))
    #expect(try verdict("--as-of", "6d") == (0, "VERDICT_VALID"))
    #expect(try verdict("--as-of", "8d") == (1, "VERDICT_EXPIRED"))
    #expect(try verdict("--as-of", "2001-01-01").0 == EX_DATAERR)
  }

  @Test func `The next page of a list as of a span from now is had with the same span`() throws {
    var token = ""
    var found: [String] = []
    repeat {
      let page = try list("--as-of", "1d", "--page-size", "2", "--page-token", token)
      found += names(page)
      token = try #require(page["nextPageToken"] as? String)
    } while !token.isEmpty && found.count < 9
    #expect(found == ["Web chat", "web mail", "Batch", "Off"])
    #expect(try names(list("--as-of", "0s")) == found)
  }

  @Test func `Deleted keys are listed where that is asked for`() throws {
    _ = try client.deleteKey(try client.key(name: try KeyName("Batch")).key.id)
    #expect(try !names(list()).contains("Batch"))
    #expect(try names(list("--deleted", "--unavailable")) == ["Batch", "Off"])
  }

  @Test func `A secret that goes to a file that others may read is warned of`() throws {
    for (mask, isWarned) in [("022", true), ("077", false)] {
      let file = daemon.scratch.closed + "/secret-\(mask)"
      let command = try Command(
        [
          "/bin/sh", "-c", "umask \(mask); exec \"$0\" create k\(mask) --permission chat > \"$1\"", Products.client,
          file,
        ],
        environment: ["KEYWARD_SOCKET": daemon.scratch.socket])
      #expect(command.status == 0)
      #expect(command.errors.contains("others on this host may read") == isWarned, "\(command.errors)")
      #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("kw_chat_"))
    }
    #expect(
      try !Command.keyward(["create", "piped", "--permission", "chat"], at: daemon.scratch).errors.contains("others"))
  }
}

/// What a shell asks to complete a key's name, against a real daemon.
@Suite struct ShellCompletionTests {
  private let daemon: Daemon

  init() throws {
    daemon = try Daemon()
    let client = try daemon.client()
    for name in ["Web chat", "Web's $(kill $$) `x`", "a:b", "Mail"] {
      _ = try client.createKey(CreateKey(name: try KeyName(name), permission: .chat))
    }
    _ = try client.deleteKey(try client.key(name: try KeyName("Mail")).key.id)
  }

  private func ask(_ arguments: String..., shell: String = "fish") throws -> [Substring] {
    let command = try Command(
      [Products.client, "---completion"] + arguments,
      environment: ["KEYWARD_SOCKET": daemon.scratch.socket, "SAP_SHELL": shell])
    #expect(command.status == 0 && command.errors.isEmpty, "\(command.errors)")
    return command.output.split(separator: "\n")
  }

  @Test func `A shell is told the names that begin as what is written, quoted its way`() throws {
    #expect(
      try ask("show", "--", "positional@0", "2", "2", "keyward", "show", "We") == ["Web chat", "Web's $(kill $$) `x`"])
    #expect(
      try ask("revoke", "--", "positional@0", "2", "2", "keyward", "revoke", "We", shell: "bash")
        == ["'Web chat'"])
    #expect(try ask("show", "--", "positional@0", "2", "0", "keyward", "show", "", shell: "zsh").first == "a\\:b")
    #expect(try ask("undelete", "--", "positional@0", "2", "0", "keyward", "undelete", "") == ["Mail"])
    #expect(try ask("audit", "--", "--key", "3", "1", "keyward", "audit", "--key", "a") == ["a:b"])
    #expect(try ask("show", "--", "positional@0", "2", "4", "keyward", "show", "key_").count == 3)
    #expect(try ask("show", "--", "positional@0", "2", "4", "keyward", "show", "none") == [])
  }

  @Test func `Without a daemon a shell is told nothing`() throws {
    #expect(daemon.end() == 0)
    #expect(try ask("show", "--", "positional@0", "2", "0", "keyward", "show", "") == [])
  }

  @Test func `The script for bash completes names in a real bash, and runs nothing that a name says`() throws {
    let script = try Command.keyward(["--generate-completion-script", "bash"], at: daemon.scratch)
    #expect(script.status == 0)
    let file = daemon.scratch.closed + "/completion.bash"
    try script.output.write(toFile: file, atomically: true, encoding: .utf8)
    func complete(_ words: String...) throws -> [Substring] {
      let program = """
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        _keyward "$1" "${@: -1}" "${@: -2:1}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """
      let command = try Command(
        ["/bin/bash", "-c", program, "bash", file, Products.client] + words,
        environment: ["KEYWARD_SOCKET": daemon.scratch.socket])
      #expect(command.status == 0 && command.errors.isEmpty, "\(command.errors)")
      return command.output.split(separator: "\n")
    }
    #expect(try complete("show", "We") == ["Web chat"], "readline would expand the other one")
    #expect(try complete("show", "\"Web c") == ["Web chat"])
    #expect(try complete("delete", "--yes", "Web\\ c") == ["Web chat"])
    #expect(try complete("audit", "--key", "Web' c") == ["Web chat"])
    #expect(try complete("list", "--order", "na") == ["name", "name:desc"])
    #expect(try complete("undele") == ["undelete"])
  }
}
