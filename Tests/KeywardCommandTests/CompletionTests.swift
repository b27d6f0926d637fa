import ArgumentParser
import Testing

@testable import keyward

@Suite("Completion of keys")
struct CompletionTests {
  @Test(
    "a word that is being written is read as its shell will read it",
    arguments: [
      ("", ""), ("Web", "Web"), ("\"Web c", "Web c"), ("'Web c", "Web c"), ("Web\\ c", "Web c"), ("'it'\\''s", "it's"),
      ("\"it's", "it's"), ("\"a\\\"b", "a\"b"), ("'a\\b", "a\\b"), ("a\\", "a"),
    ])
  func unquoted(_ word: String, _ expected: String) {
    #expect(KeyCompletion.unquoted(word) == expected)
  }

  @Test("a name is quoted as the shell that asks needs it")
  func quoted() {
    let name = "it's $(x): `y` \\"
    #expect(KeyCompletion.quoted(name, for: .bash) == "'it'\\''s $(x): `y` \\'")
    #expect(KeyCompletion.quoted(name, for: .zsh) == "it's $(x)\\: `y` \\\\")
    #expect(KeyCompletion.quoted(name, for: .fish) == name)
    #expect(KeyCompletion.quoted(name, for: nil) == name)
  }

  @Test(
    "the socket is the command line's, however it is given there",
    arguments: [
      ["--socket", "/run/a b"], ["--socket=/run/a b"], ["--socket", "=", "/run/a b"], ["--socket", "'/run/a b'"],
    ])
  func socket(_ words: [String]) {
    let completion = KeyCompletion(["keyward", "show"] + words + ["We"], words.count + 2, "We")
    #expect(completion.socketPath == "/run/a b")
    #expect(completion.typed == "We")
  }

  @Test("the word that is being written need not be the last")
  func middle() {
    #expect(KeyCompletion(["keyward", "rename", "We", "New"], 2, "New").typed == "We")
    #expect(KeyCompletion(["keyward", "rename"], 2, "").typed == "")
    #expect(KeyCompletion([], -1, "x").typed == "x")
  }

  @Test("without a daemon there is nothing, and no word of it")
  func silent() {
    #expect(KeyCompletion(["keyward", "show", "--socket", "/nonexistent/s", "x"], 4, "x").candidates().isEmpty)
  }

  @Test("bash is offered no name that it would expand")
  func unoffered() {
    for name in ["Q${x:=$(touch y)}", "`y`", "a$b"] {
      #expect(!KeyCompletion.isOffered(name, to: .bash))
      #expect(KeyCompletion.isOffered(name, to: .zsh) && KeyCompletion.isOffered(name, to: .fish))
    }
    #expect(KeyCompletion.isOffered("it's (here); a & b", to: .bash))
    #expect(!KeyCompletion.isOffered("a\u{1B}b", to: .zsh))
  }

  @Test("every script asks for keys where a key is to be given", arguments: ["bash", "zsh", "fish"])
  func scripts(_ shell: String) throws {
    let error = #expect(throws: (any Error).self) {
      try Keyward.parseAsRoot(["--generate-completion-script", shell])
    }
    let script = Keyward.fullMessage(for: try #require(error))
    for verb in [
      "show", "rename", "enable", "disable", "expire", "revoke", "delete", "undelete", "copy", "rotate", "limit",
    ] {
      #expect(script.contains("---completion \(verb) -- positional@0"), "\(verb)")
    }
    #expect(script.contains("---completion audit -- --key"))
  }

  @Test("a name that is like the given one holds one of the texts that are looked for")
  func searches() {
    #expect(KeyReference.searches(for: "web caht") == ["we", "b c", "aht"])
    #expect(KeyReference.searches(for: "ab") == ["a", "b"])
    #expect(KeyReference.searches(for: "a  b") == ["a", " b"])
    #expect(KeyReference.searches(for: String(repeating: "x", count: 128)).count == 8)
  }
}
