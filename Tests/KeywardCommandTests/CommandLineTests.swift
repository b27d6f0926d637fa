import ArgumentParser
import CommandSupport
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

  @Test("a word behind one dash is refused, and not repeated")
  func singleDash() {
    #expect(objection(to: ["validate", "-kw_chat_x"])?.contains("kw_chat") == false)
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
      ["show"], ["create", "x", "--permission", "chat", "--expires", "2027-02-30"],
    ])
  func refused(_ arguments: [String]) {
    #expect(refusal(arguments) != nil)
  }
}
