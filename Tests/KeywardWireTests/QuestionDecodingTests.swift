import KeywardCore
import KeywardWire
import Testing

/// Batches of secrets, and questions to the audit.
@Suite struct QuestionDecodingTests: DecodesCalls {
  let arena = Arena()

  private func batch(_ entries: Int, _ change: (Int, inout ProtoWriter) -> Void) throws(CallError) -> Request {
    try decode(
      "keyward.v1.ValidationService", "ValidateKeys",
      ProtoWriter {
        for number in 0..<entries { $0.message(1) { change(number, &$0) } }
      })
  }

  @Test(arguments: [1, 100]) func `A batch of 1 to 100 arrives in its order`(count: Int) throws {
    let request = try batch(count) { number, entry in
      entry.text(1, number == 0 ? "kw_bad" : "secret \(number)")
      entry.varint(2, number % 2 == 0 ? 1 : 2)
    }
    guard case .validateKeys(let questions) = request else {
      Issue.record("not a batch")
      return
    }
    #expect(questions.count == count)
    #expect(questions[0].secret == .malformed && questions[0].permission == .chat)
    for (number, question) in questions.enumerated().dropFirst() {
      let text = Array("secret \(number)".utf8)
      #expect(question.secret == text.withUnsafeBytes { PresentedSecret($0) })
      #expect(question.permission == (number % 2 == 0 ? .chat : .secureMail))
    }
  }

  @Test(arguments: [0, 101, 1000]) func `A batch of none or too many is told how many it may hold`(count: Int) throws {
    let error = try #require(
      refusal { () throws(CallError) in
        try batch(count) {
          $1.text(1, "s")
          $1.varint(2, 1)
        }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("\(count) entries") && error.message.contains("1 to 100"))
  }

  @Test(arguments: [[0x61, 0x00], [0xC3, 0x28]], [0, 7])
  func `An entry that is no text is named by its index, and its secret is not told`(bytes: [UInt8], bad: Int) throws {
    let error = try #require(
      refusal { () throws(CallError) in
        try batch(8) { number, entry in
          entry.data(1, number == bad ? bytes : Array("hunter2".utf8))
          entry.varint(2, 1)
        }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.hasPrefix("requests[\(bad)]: secret "))
    #expect(!error.message.contains("hunter2"))
  }

  @Test func `An entry without a permission is named by its index`() throws {
    let error = try #require(
      refusal { () throws(CallError) in
        try batch(3) { number, entry in
          entry.text(1, "s")
          if number != 2 { entry.varint(2, 1) }
        }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.hasPrefix("requests[2]: permission is missing"))
  }

  private func audit(_ fields: (inout ProtoWriter) -> Void) throws -> AuditPageQuery {
    guard case .listAuditEvents(let query) = try decode("keyward.v1.KeyService", "ListAuditEvents", ProtoWriter(fields))
    else { throw CallError(.internal, "not a question to the audit") }
    return query
  }

  @Test func `A question to the audit arrives`() throws {
    let query = try audit {
      $0.text(1, sampleID)
      $0.text(2, "ann")
      // Packed, as proto3 writes it, and not.
      $0.data(3, [1, 6])
      $0.varint(3, 11)
      $0.message(4) { $0.varint(1, 1) }
      $0.message(5) { $0.varint(1, 2) }
      $0.varint(6, 5000)
      $0.text(7, "token")
    }
    let events = AuditQuery(
      keyID: KeyID(sampleID), user: "ann", types: [.created, .revoked, .rotated], start: Instant(seconds: 1),
      end: Instant(seconds: 2))
    #expect(query == (try AuditPageQuery(events, pageSize: 1000, pageToken: "token")))
    #expect(try audit { _ in } == AuditPageQuery(AuditQuery()))
  }

  @Test func `No type at all, and the unspecified one, mean any`() throws {
    #expect(try audit { $0.data(3, [6, 0, 1]) }.events.types.isEmpty)
  }

  @Test(arguments: [13, 255, 256, 257, UInt64(UInt32.max)])
  func `A type that is not known is refused`(value: UInt64) {
    #expect(refusal(of: "ListAuditEvents") { $0.varint(3, value) }?.code == .invalidArgument)
  }

  @Test func `What makes no sense of the audit is refused`() throws {
    let cases: [(String, (inout ProtoWriter) -> Void)] = [
      ("key_id", { $0.text(1, "Web chat") }), ("page_size", { $0.varint(6, UInt64(bitPattern: -1)) }),
      ("start_time", { $0.message(4) { $0.varint(1, UInt64(bitPattern: -1)) } }),
      ("end_time", { $0.message(5) { $0.varint(1, 253_402_300_800) } }),
      (
        "end_time",
        {
          $0.message(4) { $0.varint(1, 2) }
          $0.message(5) { $0.varint(1, 2) }
        }
      ),
    ]
    for (field, fields) in cases {
      let error = try #require(refusal(of: "ListAuditEvents", fields))
      #expect(error.code == .invalidArgument)
      #expect(error.message.hasPrefix(field), "\(error.message)")
    }
  }
}
