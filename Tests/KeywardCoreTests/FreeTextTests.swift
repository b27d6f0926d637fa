import KeywardCore
import TestSupport
import Testing

/// What may not stand in the texts that people add: they are kept and shown as they are.
@Suite struct FreeTextTests {
  private static let secrets = [Secret.sample(1).text, Secret.sample(2, for: .secureMail).text]

  private static func texts(_ secret: String) -> [String] {
    [secret, "leaked: \(secret)", "\(secret), by ann", "kw_\(secret)x", "kw_chat_kw_mail_\(secret)", "é\(secret)é"]
  }

  @Test(arguments: secrets)
  func `A secret is refused anywhere in a text, by the field's name alone`(secret: String) throws {
    for text in Self.texts(secret) {
      let told = "holds a secret, and is kept and shown as it is: leave the secret out"
      #expect(throws: DomainError.invalid(field: "name", told)) { try KeyName(text) }
      #expect(throws: DomainError.invalid(field: "reason", told)) { try RevokeReason(text) }
      #expect(throws: DomainError.invalid(field: "request_id", told)) { try RequestID(text) }
      #expect(throws: DomainError.invalid(field: "upload_id", told)) { try UploadID(text) }
      #expect(throws: DomainError.invalid(field: "creator", told)) {
        try ImportKey(
          name: KeyName("a"), permission: .chat, credential: ImportCredential(digest: .sample(1)), creator: text)
      }
    }
  }

  @Test func `Composing neither makes a secret nor hides one`() {
    let secret = Secret.sample(1).text
    #expect(throws: DomainError.self) { try KeyName(secret + "\u{301}") }
    // The sign of a kelvin becomes the letter.
    for secret in (0..<50).map({ Secret.sample($0).text }) where secret.contains("K") {
      #expect(throws: DomainError.self) {
        try KeyName(secret.replacing("K", with: "\u{212A}"))
      }
    }
  }

  @Test func `What only resembles a secret is a text like others`() throws {
    let secret = Secret.sample(1).text
    for text in ["kw_", "kw_chat_", String(secret.dropLast()), "kw_mail_" + secret.dropFirst(8), secret.uppercased()] {
      #expect(try KeyName(text).text == text)
      #expect(try RevokeReason(text).text == text)
    }
  }

  @Test(arguments: [
    "\u{AD}", "\u{200B}", "\u{2060}", "\u{2064}", "\u{FEFF}", "\u{E0001}", "\u{E0020}", "\u{E007F}",
  ])
  func `A character that takes no room is refused in a name, and named`(character: Character) throws {
    let error = try #require(#expect(throws: DomainError.self) { try KeyName("Web\(character) chat") })
    let code = String(character.unicodeScalars.first?.value ?? 0, radix: 16, uppercase: true)
    #expect(error.message.hasPrefix("name has the character U+") && error.message.contains(code))
    #expect(error.message.hasSuffix("which nobody can see: leave it out"))
  }

  @Test(arguments: ["👩\u{200D}👩", "می\u{200C}خواهم", "✈\u{FE0F}", "葛\u{E0100}"])
  func `Joiners and variation selectors are kept`(name: String) throws {
    #expect(try KeyName(name).text == name)
  }
}
