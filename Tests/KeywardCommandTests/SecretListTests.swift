import KeywardCore
import Testing

@testable import keyward

@Suite struct SecretListTests {
  private func secrets(_ bytes: [UInt8]) throws(CommandFailure) -> [String] {
    try SecretList(ImportText(bytes), name: "list").secrets.map { secret in
      secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  @Test func `Each line is a secret, an empty one too, and the last needs no end`() throws {
    #expect(try secrets(Array("a\r\n\n b \né".utf8)) == ["a", "", " b ", "é"])
    #expect(try secrets(Array("a\n".utf8)) == ["a"])
    #expect(try secrets(Array("\n".utf8)) == [""])
    #expect(try secrets(Array("a\r".utf8)) == ["a\r"])
  }

  @Test func `Of a line no more is kept than shows that it is too long`() throws {
    #expect(try secrets([UInt8](repeating: 0x61, count: 5000)).first?.count == SecretSource.maxByteCount)
  }

  @Test(
    arguments: [
      ([], "list holds no secret: give one a line"), ([0x61, 10, 0xFF, 10], "list:2: is not UTF-8"),
      ([0x61, 0], "list:1: is not UTF-8, or holds a NUL character"),
    ] as [([UInt8], String)])
  func `What nobody could present is told by its line`(bytes: [UInt8], message: String) throws {
    let error = try #require(#expect(throws: CommandFailure.self) { try secrets(bytes) })
    #expect(error.message.hasPrefix(message) && error.status == .badData)
  }
}
