import KeywardCore
import KeywardWire
import Testing

/// UpdateKey's mask (AIP-134).
@Suite struct UpdateDecodingTests: DecodesCalls {
  let arena = Arena()

  /// A key with every field that may be changed, and others.
  private func key(_ writer: inout ProtoWriter) {
    writer.text(1, sampleID)
    writer.text(2, "new")
    writer.varint(3, 2)
    writer.varint(4, 1)
    writer.message(5) { $0.varint(1, 4_000_000_000) }
    writer.text(18, "7")
  }

  private func update(_ paths: [String], _ key: (inout ProtoWriter) -> Void) throws -> ChangeRequest {
    try change("UpdateKey") {
      $0.message(1, key)
      $0.message(2) { mask in for path in paths { mask.text(1, path) } }
    }
  }

  private func refusal(of paths: [String]) throws -> String {
    let error = try #require(
      refusal(of: "UpdateKey") {
        $0.message(1, key)
        $0.message(2) { mask in for path in paths { mask.text(1, path) } }
      })
    #expect(error.code == .invalidArgument)
    return error.message
  }

  @Test(arguments: [
    (["name"], KeyUpdate(name: KeyName(checked: "new"))), (["enabled"], KeyUpdate(enabled: true)),
    (["expire_time"], KeyUpdate(expiry: .at(Instant(microseconds: 4_000_000_000_000_000)))),
    (["enabled", "name", "name"], KeyUpdate(name: KeyName(checked: "new"), enabled: true)),
  ])
  func `What the mask names is changed, and nothing else`(paths: [String], expected: KeyUpdate) throws {
    let id = try #require(KeyID(sampleID))
    #expect(try update(paths, key) == ChangeRequest(.update(id, expected), etag: 7))
  }

  @Test func `What is in the mask and absent in the key is never, and off`() throws {
    let request = try update(["expire_time", "enabled"]) { $0.text(1, sampleID) }
    let id = try #require(KeyID(sampleID))
    #expect(request == ChangeRequest(.update(id, KeyUpdate(enabled: false, expiry: .never))))
  }

  @Test func `A mask that is missing or empty is told what it may hold`() throws {
    let missing = try #require(refusal(of: "UpdateKey") { $0.message(1, key) })
    #expect(missing.code == .invalidArgument)
    #expect(missing.message == "update_mask is empty: give name, enabled, expire_time, rate_limit, use_limit")
    #expect(try refusal(of: []) == missing.message)
  }

  @Test(arguments: [
    "id", "state", "availability", "hint", "creator", "create_time", "updater", "update_time", "last_used_time",
    "delete_time", "purge_time", "revoke_time", "revoke_reason", "etag", "expireTime", "Name", "expire_time.seconds",
    "*", "", "name ", "name,enabled",
  ])
  func `Any other path is named, beside those that may be changed`(path: String) throws {
    let message = try refusal(of: ["name", path])
    #expect(message.contains("\"\(path)\""))
    #expect(message.hasSuffix("give name, enabled, expire_time, rate_limit, use_limit"))
  }

  @Test func `A permission in the mask is told that it never changes`() throws {
    #expect(try refusal(of: ["permission"]).contains("a key's permission never changes"))
  }

  @Test func `A made-up path is not repeated at any length`() throws {
    #expect(try refusal(of: [String(repeating: "e\u{301}", count: 10_000)]).utf8.count < 1000)
  }

  @Test func `A name in the mask is checked, and one outside it is not`() throws {
    let blank: (inout ProtoWriter) -> Void = {
      $0.text(1, sampleID)
      $0.text(2, " ")
    }
    #expect(throws: CallError.self) { try update(["name"], blank) }
    #expect(throws: Never.self) { try update(["enabled"], blank) }
  }

  @Test func `A key that is missing, or has no id, is refused`() throws {
    for fields in [{ _ in }, { $0.message(1) { $0.text(2, "n") } }] as [(inout ProtoWriter) -> Void] {
      let error = try #require(
        refusal(of: "UpdateKey") {
          fields(&$0)
          $0.message(2) { $0.text(1, "name") }
        })
      #expect(error.code == .invalidArgument)
      #expect(error.message.contains("key"))
    }
  }

  /// Every text of a key.
  @Test(arguments: [1, 2, 7, 10, 11, 13, 18], [[0x61, 0x00], [0xC3, 0x28]])
  func `A text of the key that is none is refused, in the mask or not`(field: Int, bytes: [UInt8]) throws {
    let error = try #require(
      refusal(of: "UpdateKey") {
        $0.message(1) {
          if field != 1 { $0.text(1, sampleID) }
          $0.data(field, bytes)
        }
        $0.message(2) { $0.text(1, "enabled") }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains(bytes.contains(0) ? "NUL" : "UTF-8"))
  }

  @Test func `A path that is no text is refused`() {
    let error = refusal(of: "UpdateKey") {
      $0.message(1, key)
      $0.message(2) { $0.data(1, [0x6E, 0x00]) }
    }
    #expect(error?.message.contains("NUL") == true)
  }
}
