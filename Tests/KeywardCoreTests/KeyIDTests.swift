import KeywardCore
import TestSupport
import Testing

@Suite struct KeyIDTests {
  @Test("An id comes back from its text, and no two are alike")
  func roundTrip() {
    var generator = SystemRandomNumberGenerator()
    let ids = (0..<10_000).map { _ in KeyID.random(at: .noon, using: &generator) }
    #expect(Set(ids).count == ids.count)
    for id in ids {
      #expect(id.description.utf8.count == KeyID.byteCount)
      #expect(KeyID(id.description) == id)
    }
  }

  @Test func `Ids have the order of the milliseconds at which their keys were made`() {
    var generator = SystemRandomNumberGenerator()
    let instants: [Instant] = [
      .epoch, Instant(microseconds: 1000), .noon, .noon.adding(seconds: 1),
      Instant(microseconds: 218_340_105_584_894_000),
      .latest,
    ]
    let texts = instants.map { KeyID.random(at: $0, using: &generator).description }
    #expect(texts == texts.sorted())
    #expect(texts[0].hasPrefix("key_00000000"))
    #expect(texts[5].hasPrefix("key_zzzzzzzz"))
    #expect(
      KeyID.random(at: Instant(microseconds: -1), using: &generator).description.hasPrefix("key_00000000"))
  }

  @Test(
    "The least and the greatest",
    arguments: [
      "key_00000000000000000000", "key_zzzzzzzzzzzzzzzzzzzz", "key_0000000000zzzzzzzzzz", "key_Aa0Zz9Aa0Zz9Aa0Zz9Aa",
    ])
  func ends(_ text: String) throws {
    #expect(try #require(KeyID(text)).description == text)
    #expect(KeyID(text.dropFirst(0)) == KeyID(text))
  }

  @Test(
    "What is no id",
    arguments: [
      "", "key_", "key_0000000000000000000", "key_000000000000000000000", "KEY_00000000000000000000",
      "key-00000000000000000000", "key_0000000000000000000-", "key_0000000000000000000 ", "key_000000000000000000é",
      "00000000000000000000key_", "key_0000000000\u{0}000000000", "key_００００００",
    ])
  func refusals(_ text: String) {
    #expect(KeyID(text) == nil)
  }
}

@Suite struct KeyNameTests {
  @Test func `A secret is no name, for names are shown to everybody`() {
    let text = Secret.sample(7).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    #expect(throws: DomainError.self) { try KeyName(" \(text) ") }
    #expect(throws: Never.self) { try KeyName("kw_chat_ is how our secrets begin") }
  }

  @Test(
    "Names are trimmed and composed",
    arguments: [
      ("APIKEYtest", "APIKEYtest"), ("  a b\t\n", "a b"), ("\u{A0}\u{3000}x\u{2003}", "x"),
      ("cafe\u{301}", "caf\u{E9}"),
      ("\u{212B}", "\u{C5}"), ("Ключ 🔑", "Ключ 🔑"), ("👩‍👩‍👧", "👩‍👩‍👧"), ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"),
    ])
  func normalization(_ given: String, _ text: String) throws {
    let name = try KeyName(given)
    #expect(Array(name.text.unicodeScalars) == Array(text.unicodeScalars))
    #expect(try KeyName(name.text) == name, "a name is its own name")
  }

  @Test(
    "128 characters are a name and 129 are not, counted as code points after composing",
    arguments: ["a", "🔑", "e\u{301}"])
  func length(_ character: String) throws {
    #expect(try KeyName(String(repeating: character, count: 128)).text.unicodeScalars.count == 128)
    let error = DomainError.invalid(field: "name", "has 129 characters: give at most 128")
    #expect(throws: error) { try KeyName(String(repeating: character, count: 129)) }
  }

  @Test("Spaces around a name do not count")
  func paddedLength() throws {
    #expect(try KeyName("   " + String(repeating: "a", count: 128) + "   ").text.count == 128)
  }

  @Test("Nothing but spaces is no name", arguments: ["", " ", "\t\r\n", "\u{A0}", "\u{2028}", "\u{3000}\u{2003}"])
  func empty(_ text: String) {
    #expect(throws: DomainError.invalid(field: "name", "is empty: give 1 to 128 characters, not all of them invisible"))
    { try KeyName(text) }
  }

  @Test(
    "Controls, and what reorders or breaks the line, are named in the refusal",
    arguments: [
      ("a\u{0}b", "0000"), ("a\nb", "000A"), ("a\u{7F}b", "007F"), ("a\u{85}b", "0085"), ("a\u{2028}b", "2028"),
      ("a\u{2029}b", "2029"), ("a\u{202E}b", "202E"), ("\u{200F}a", "200F"), ("a\u{2066}", "2066"),
      ("a\u{61C}b", "061C"), ("a\u{FFFE}b", "FFFE"), ("a\u{1FFFF}b", "1FFFF"),
    ])
  func forbidden(_ text: String, _ code: String) {
    let error = DomainError.invalid(field: "name", "has the control character U+\(code): leave it out")
    #expect(throws: error) { try KeyName(text) }
  }

  @Test(
    "Characters that nobody can see are named in the refusal",
    arguments: [
      "00AD", "034F", "115F", "17B4", "180E", "200B", "2065", "206A", "2800", "3164", "FEFF", "FFA0", "FFF9", "E0041",
    ])
  func invisible(_ code: String) throws {
    let scalar = try #require(UInt32(code, radix: 16).flatMap(Unicode.Scalar.init))
    let error = DomainError.invalid(
      field: "name", "has the character U+\(code), which nobody can see: leave it out")
    #expect(throws: error) { try KeyName("a\(Character(scalar))b") }
  }

  @Test("Joiners and variation selectors are part of what is seen", arguments: ["\u{200C}", "\u{200D}", "\u{FE0F}"])
  func joiners(_ text: String) throws {
    #expect(try KeyName("a\(text)b").text == "a\(text)b")
  }

  @Test("What has the form of an id is no name")
  func idForm() throws {
    let (id, other) = (try KeyName("key_T3a5Mp3x1YoADTeHBfcD"), try KeyName("key_T3a5Mp3x1YoADTeHBfc"))
    let registry = try Registry(store: FakeStore())
    func name(_ action: ChangeRequest.Action) -> Result<String, DomainError>? {
      registry.commit([Command(ChangeRequest(action), by: .sample)], at: .noon)[0].map { $0.view.key.name.text }
    }
    let refusal = DomainError.invalid(
      field: "name", "has the form of a key's id, and would be taken for one: choose another")
    #expect(name(.create(CreateKey(name: id, permission: .chat))) == .failure(refusal))
    #expect(name(.create(CreateKey(name: other, permission: .chat))) == .success(other.text))
    let key = try registry.key(name: other, at: .noon).key.id
    let renaming = KeyUpdate(name: id)
    #expect(name(.update(key, renaming)) == .failure(refusal))
    #expect(name(.copy(key, CopyKey(name: id))) == .failure(refusal))
    let credential = try ImportCredential(digest: .sample(1))
    #expect(throws: refusal) { try ImportKey(name: id, permission: .chat, credential: credential) }
  }

  @Test("Case and accents tell names apart")
  func distinct() throws {
    #expect(try KeyName("a") != KeyName("A"))
    #expect(try KeyName("e") != KeyName("é"))
    #expect(try KeyName("é") == KeyName("e\u{301}"))
  }
}
