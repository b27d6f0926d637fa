import KeywardCore
import KeywardWire
import Testing

/// The methods that change a key: what they take, and what they refuse.
@Suite struct ChangeDecodingTests: DecodesCalls {
  let arena = Arena()

  private var id: KeyID {
    get throws { try #require(KeyID(sampleID)) }
  }

  private static let byID = ["RevokeKey", "DeleteKey", "UndeleteKey", "CopyKey", "RotateKey"]
  /// The field of the etag, by method.
  private static let etags = [("RevokeKey", 4), ("DeleteKey", 2), ("UndeleteKey", 2), ("CopyKey", 4), ("RotateKey", 4)]

  @Test func `What a method names arrives`() throws {
    #expect(
      try change("RevokeKey") {
        $0.text(1, sampleID)
        $0.message(2) { $0.varint(1, 4_000_000_000) }
        $0.text(3, "leaked")
        $0.text(4, "12")
      }
        == ChangeRequest(
          .revoke(id, Revocation(time: Instant(seconds: 4_000_000_000), reason: RevokeReason("leaked"))), etag: 12))
    #expect(
      try change("CopyKey") {
        $0.text(1, sampleID)
        $0.text(2, " copy ")
        $0.text(3, "r1")
      } == ChangeRequest(.copy(id, CopyKey(name: KeyName("copy"))), requestID: RequestID("r1")))
    #expect(
      try change("RotateKey") {
        $0.text(1, sampleID)
        $0.message(2) { $0.varint(1, 3600) }
        $0.text(3, "r2")
        $0.text(4, "9")
      } == ChangeRequest(.rotate(id, RotateKey(graceSeconds: 3600)), etag: 9, requestID: RequestID("r2")))
    #expect(
      try change("CreateKey") {
        $0.text(1, "n")
        $0.varint(2, 1)
        $0.text(5, "r3")
      }
        == ChangeRequest(.create(CreateKey(name: KeyName("n"), permission: .chat)), requestID: RequestID("r3")))
  }

  @Test func `What is left out is now, a counted name, and no grace`() throws {
    #expect(try change("RevokeKey") { $0.text(1, sampleID) } == ChangeRequest(.revoke(id, Revocation())))
    #expect(try change("DeleteKey") { $0.text(1, sampleID) } == ChangeRequest(.delete(id)))
    #expect(try change("UndeleteKey") { $0.text(1, sampleID) } == ChangeRequest(.undelete(id)))
    #expect(try change("CopyKey") { $0.text(1, sampleID) } == ChangeRequest(.copy(id, CopyKey())))
    #expect(
      try change("RotateKey") { $0.text(1, sampleID) } == ChangeRequest(.rotate(id, RotateKey(graceSeconds: 0))))
  }

  @Test(arguments: byID, ["", "key_", "Web chat", "key_0123456789ABCDEFGHI", "key_0123456789ABCDEFGHI!"])
  func `What is no id is INVALID_ARGUMENT`(method: String, text: String) throws {
    let error = try #require(refusal(of: method) { $0.text(1, text) })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("id is not a key's id"))
  }

  @Test(arguments: etags, ["x", "0", "-1", "007", "+7", " 7", "99999999999999999999", "7\u{301}"])
  func `An etag that no key ever had is one that no key has`(method: (String, Int), text: String) throws {
    let request = try change(method.0) {
      $0.text(1, sampleID)
      $0.text(method.1, text)
    }
    #expect(request.etag == -1)
  }

  @Test(arguments: [("CreateKey", 5), ("CopyKey", 3), ("RotateKey", 3)], [129, 100_000])
  func `A request id that is too long is INVALID_ARGUMENT`(method: (String, Int), count: Int) throws {
    let error = try #require(
      refusal(of: method.0) {
        $0.text(1, method.0 == "CreateKey" ? "n" : sampleID)
        if method.0 == "CreateKey" { $0.varint(2, 1) }
        $0.text(method.1, String(repeating: "r", count: count))
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("request_id") && error.message.contains("128"))
  }

  @Test func `A reason that is too long or holds a control is INVALID_ARGUMENT`() throws {
    for reason in [String(repeating: "x", count: 257), "a\u{1B}[2J", "a\u{202E}b"] {
      let error = try #require(
        refusal(of: "RevokeKey") {
          $0.text(1, sampleID)
          $0.text(3, reason)
        })
      #expect(error.code == .invalidArgument)
      #expect(error.message.hasPrefix("reason "))
    }
  }

  @Test(arguments: [-1, 253_402_300_800, .max] as [Int64])
  func `A time that no Timestamp may hold is refused`(seconds: Int64) {
    let error = refusal(of: "RevokeKey") {
      $0.text(1, sampleID)
      $0.message(2) { $0.varint(1, UInt64(bitPattern: seconds)) }
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(
    arguments: [
      (-1, 0), (0, -1), (366 * 86400 + 1, 0), (366 * 86400, 1), (.max, 999_999_999), (.min, -1), (1, -1), (-1, 1),
      (0, 1_000_000_000),
    ] as [(Int64, Int32)])
  func `A grace that is negative, too long or no duration is refused`(seconds: Int64, nanos: Int32) throws {
    let error = try #require(
      refusal(of: "RotateKey") {
        $0.text(1, sampleID)
        $0.message(2) {
          $0.varint(1, UInt64(bitPattern: seconds))
          $0.varint(2, UInt64(bitPattern: Int64(nanos)))
        }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.hasPrefix("grace_period "))
  }

  @Test func `A part of a second counts as a whole one`() throws {
    let request = try change("RotateKey") {
      $0.text(1, sampleID)
      $0.message(2) { $0.varint(2, 1) }
    }
    #expect(request == ChangeRequest(.rotate(try id, try RotateKey(graceSeconds: 1))))
  }
}
