import Glibc
import KeywardCore
import Testing

@testable import keyward

extension ProcessWideTests {
  @Suite("SecretSource")
  struct SecretSourceTests {
    private func trimmed(_ text: String) -> String {
      Array(text.utf8).withUnsafeBytes { String(decoding: SecretSource.trimmed($0), as: UTF8.self) }
    }

    @Test(
      "one newline at the end is dropped, and nothing else",
      arguments: [
        ("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc\n"), ("abc\r", "abc\r"),
        (" abc \n", " abc "),
        ("\n", ""), ("\r\n", ""), ("", ""), ("a\nb", "a\nb"),
      ])
    func trimming(_ text: String, _ expected: String) {
      #expect(trimmed(text) == expected)
    }

    @Test("a file that is named goes before the environment, and that before standard input")
    func precedence() {
      #expect(SecretSource(file: "f", variableIsSet: true) == .file("f"))
      #expect(SecretSource(file: "-", variableIsSet: true) == .standardInput)
      #expect(SecretSource(file: nil, variableIsSet: true) == .environment)
      #expect(SecretSource(file: nil, variableIsSet: false) == .standardInput)
    }

    private func read(file bytes: [UInt8]) throws -> [UInt8] {
      var template = Array("/tmp/keyward-secret-XXXXXX\0".utf8CString)
      let descriptor = mkstemp(&template)
      let path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      defer { unlink(path) }
      #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
      close(descriptor)
      return try SecretSource.file(path).read().withUnsafeBytes { Array($0) }
    }

    @Test("a file's bytes are the secret, whatever they are")
    func file() throws {
      #expect(try read(file: [0xFF, 0x00, 0x41, 0x0A]) == [0xFF, 0x00, 0x41])
    }

    @Test("the longest secret is read whole with its newline, and of a longer one enough to be refused")
    func lengths() throws {
      let longest = [UInt8](repeating: 0x41, count: 512)
      #expect(try read(file: longest + [0x0D, 0x0A]) == longest)
      #expect(try read(file: longest + [0x41, 0x0D, 0x0A]).count == 513)
      #expect(try read(file: longest + [0x41]).count == 513)
      #expect(try read(file: longest + longest + longest).count == 513)
    }

    @Test("no secret is an error that says where it goes", arguments: [[], [0x0A], [0x0D, 0x0A]] as [[UInt8]])
    func empty(_ bytes: [UInt8]) {
      let failure = #expect(throws: CommandFailure.self) { try read(file: bytes) }
      #expect(failure?.status == .badData)
      #expect(failure?.message.contains("KEYWARD_SECRET") == true)
    }

    @Test("a file that cannot be opened is no input")
    func missingFile() {
      let failure = #expect(throws: CommandFailure.self) { try SecretSource.file("/nonexistent/secret").read() }
      #expect(failure?.status == .noInput)
      #expect(failure?.message == "cannot open /nonexistent/secret: No such file or directory")
    }

    @Test("a folder is no secret")
    func folder() {
      let failure = #expect(throws: CommandFailure.self) { try SecretSource.file("/").read() }
      #expect(failure?.status == .inputOutput)
    }

    @Test("the environment's variable is read, and one that is set to nothing is refused")
    func environment() throws {
      setenv(SecretSource.variable, "kw_chat_x\n", 1)
      defer { unsetenv(SecretSource.variable) }
      #expect(try SecretSource.environment.read().withUnsafeBytes { Array($0) } == Array("kw_chat_x".utf8))
      setenv(SecretSource.variable, "", 1)
      #expect(throws: CommandFailure.self) { try SecretSource.environment.read() }
    }
  }
}
