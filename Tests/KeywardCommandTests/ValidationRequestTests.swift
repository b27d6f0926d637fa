import ArgumentParser
import CommandSupport
import Glibc
import KeywardCore
import Testing

@testable import keyward

extension ProcessWideTests {
  @Suite("ValidationRequest")
  struct ValidationRequestTests {
    /// What argument-parser makes of a command line; nil where it does not take it for one secret to be validated.
    private func parsed(_ arguments: [String]) -> ValidationRequest? {
      guard let validate = try? Keyward.parseAsRoot(arguments) as? Validate, validate.batch == nil, validate.asOf == nil
      else { return nil }
      return validate.request
    }

    private static let permissions = ["chat", "secure-mail"]
    private static let values = ["f", "a b", "help", "validate", "é", "x=y", "/tmp/k.sock", "f\u{7F}", " ", "--"]

    /// Every choice and order of the plain form's options, and each value that could mean something else.
    private static let commandLines: [[String]] = {
      let options = [
        ["--permission", "chat"], ["--file", "f"], ["--socket", "/tmp/s"], ["--output", "json"],
      ]
      var lines: [[String]] = []
      for first in options.indices {
        for second in options.indices where second != first {
          for third in options.indices where third != first && third != second {
            let order = [first, second, third, 6 - first - second - third].map { options[$0] }
            for count in 0...order.count { lines.append(["validate"] + order.prefix(count).flatMap { $0 }) }
          }
        }
      }
      for option in ["--file", "--socket", "--output", "--permission"] {
        lines += (values + permissions).map { ["validate", "--permission", "chat", option, $0] }
        lines += (values + permissions).map { ["validate", option, $0] }
      }
      return lines
    }()

    @Test("the plain form is read as argument-parser reads it")
    func agreement() {
      var plainCount = 0
      for arguments in Self.commandLines {
        guard let plain = ValidationRequest(plain: arguments) else { continue }
        plainCount += 1
        #expect(plain == parsed(arguments), "\(arguments)")
        let objection = CommandSupport.objection(to: arguments)
        #expect(objection == nil && Keyward.mistypedVerb(in: arguments) == nil, "\(arguments)")
      }
      #expect(plainCount > 50)
    }

    @Test("each option of the plain form has its effect")
    func effects() {
      let request = ValidationRequest(plain: [
        "validate", "--output", "json", "--socket", "/tmp/s", "--file", "f", "--permission", "secure-mail",
      ])
      #expect(request?.permission == .secureMail)
      #expect(request?.source == .file("f"))
      #expect(request?.socketPath == "/tmp/s")
      #expect(request?.form == .json)
    }

    @Test("the environment names the secret and the socket, as with argument-parser")
    func environment() {
      let names: [String] = [SecretSource.variable, "KEYWARD_SOCKET"]
      let before = names.map { name in (name, getenv(name).map { String(cString: $0) }) }
      defer {
        for (name, value) in before {
          if let value { setenv(name, value, 1) } else { unsetenv(name) }
        }
      }
      setenv(SecretSource.variable, "", 1)
      setenv("KEYWARD_SOCKET", "/tmp/e", 1)
      let arguments = ["validate", "--permission", "chat"]
      let plain = ValidationRequest(plain: arguments)
      #expect(plain?.source == .environment)
      #expect(plain?.socketPath == "/tmp/e")
      #expect(plain == parsed(arguments))
    }

    @Test(
      "anything else is left to argument-parser",
      arguments: [
        [], ["validate"], ["list", "--permission", "chat"], ["validate", "--permission"],
        ["validate", "--permission=chat"], ["validate", "--permission", "sms"], ["validate", "--permission", "Chat"],
        ["validate", "--permission", "chat", "--permission", "chat"], ["validate", "--file", "f"],
        ["validate", "--permission", "chat", "--file", ""], ["validate", "--permission", "chat", "--file", "-"],
        ["validate", "--permission", "chat", "--file", "--socket"], ["validate", "--permission", "chat", "--file"],
        ["validate", "--permission", "chat", "kw_chat_x", "y"], ["validate", "--permission", "chat", "kw_chat_x"],
        ["validate", "--permission", "chat", "--as-of", "2030-01-01"],
        ["validate", "--permission", "chat", "--batch", "f"], ["validate", "--permission", "chat", "--output", "xml"],
        ["validate", "--permission", "chat", "--help", "x"], ["--permission", "chat", "validate"],
        ["help", "validate", "--permission", "chat"],
      ])
    func others(_ arguments: [String]) {
      #expect(ValidationRequest(plain: arguments) == nil)
    }
  }
}
