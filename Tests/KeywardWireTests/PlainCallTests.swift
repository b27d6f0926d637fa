import CKeywardProto
import KeywardCore
import KeywardWire
import Testing

/// The fast way of reading calls, against the one by protobuf-c.
@Suite struct PlainCallTests {
  private let arena = Arena()
  private static let secret = "kw_chat_" + String(repeating: "0", count: 30)

  private func frame(
    _ payload: ProtoWriter, stream: UInt32 = 7, type: UInt8 = 1, _ more: (inout ProtoWriter) -> Void = { _ in }
  ) -> [UInt8] {
    let envelope = ProtoWriter {
      $0.text(1, "keyward.v1.ValidationService")
      $0.text(2, "ValidateKey")
      $0.data(3, payload.bytes)
      more(&$0)
    }
    return header(envelope.bytes.count, stream, type) + envelope.bytes
  }

  private func header(_ count: Int, _ stream: UInt32, _ type: UInt8) -> [UInt8] {
    withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) }
      + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + [type, 0]
  }

  private func question(_ secret: String, _ permission: UInt64 = 1) -> ProtoWriter {
    ProtoWriter {
      $0.text(1, secret)
      $0.varint(2, permission)
    }
  }

  private func plain(_ frame: [UInt8]) -> PlainCall? { frame.withUnsafeBytes { PlainCall($0) } }

  /// What the long way makes of a frame; nil where that is no question.
  private func asked(_ frame: [UInt8]) -> (Question, Int64?)? {
    frame.withUnsafeBytes { bytes in
      defer { arena.reset() }
      guard let header = FrameHeader(bytes), header.kind == .request, header.streamID % 2 == 1,
        bytes.count >= FrameHeader.byteCount + header.dataByteCount,
        let call = try? TTRPCCall(
          UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount..<FrameHeader.byteCount + header.dataByteCount]),
          in: arena), case .validateKey(let question)? = try? call.request(in: arena)
      else { return nil }
      return (question, call.timeoutNanoseconds)
    }
  }

  private func expectAgreement(_ frame: [UInt8], _ comment: Comment) {
    guard let plain = plain(frame) else { return }
    guard let (question, timeout) = asked(frame) else {
      Issue.record("the long way refuses what the fast one takes: \(comment)")
      return
    }
    #expect(question.secret == .digest(plain.question.digest), comment)
    #expect(question.permission == plain.question.permission && question.asOf == nil, comment)
    #expect(timeout == plain.timeoutNanoseconds, comment)
  }

  @Test(arguments: [nil, 1, 127, 128, 5_000_000_000, UInt64(Int64.max)])
  func `A call with or without a timeout is read whole`(timeout: UInt64?) throws {
    for secret in ["x", "another-system's", String(repeating: "s", count: 123)] {
      let frame = frame(question(secret, 2)) { if let timeout { $0.varint(4, timeout) } }
      let call = try #require(plain(frame + [0, 0, 0]))
      #expect(call.stream == 7 && call.frameByteCount == frame.count)
      #expect(call.question.permission == .secureMail)
      #expect(call.timeoutNanoseconds == timeout.map { Int64($0) })
      expectAgreement(frame, "\(secret)")
    }
  }

  @Test func `Anything but a plain call is left to the long way`() {
    let good = question("other")
    #expect(plain(frame(good)) != nil)
    #expect(plain(frame(good, stream: 8)) == nil, "an even stream")
    #expect(plain(frame(good, type: 2)) == nil, "a response")
    #expect(plain(frame(good, type: 9)) == nil, "an unknown type")
    #expect(plain(frame(good) { $0.varint(4, UInt64(bitPattern: -1)) }) == nil, "a negative timeout")
    #expect(plain(frame(good) { $0.message(5) { $0.text(1, "a") } }) == nil, "metadata")
    #expect(plain(frame(good) { $0.data(3, []) }) == nil, "a second payload")
    #expect(plain(frame(question("other", 3))) == nil, "an unknown permission")
    #expect(plain(frame(question("other", 0))) == nil, "no permission")
    #expect(plain(frame(question(""))) == nil, "no secret")
    #expect(plain(frame(question(Self.secret))) == nil, "a wrong checksum")
    #expect(plain(frame(question("se\u{0}cret"))) == nil, "NUL")
    #expect(plain(frame(question("sécret"))) == nil, "no ASCII")
    #expect(plain(frame(question(String(repeating: "s", count: 128)))) == nil, "a length of two bytes")
    #expect(plain(frame(ProtoWriter { $0.varint(2, 1) })) == nil, "a permission alone")
    #expect(plain([]) == nil)
  }

  @Test func `Half a call is left until the rest has come`() {
    let frame = frame(question("other"))
    for count in 0..<frame.count { #expect(plain(Array(frame[..<count])) == nil) }
  }

  @Test func `Both ways agree on calls with any byte changed`() {
    let frame = frame(question("another system's")) { $0.varint(4, 300) }
    for place in frame.indices {
      for value in UInt8.min ... .max {
        var changed = frame
        changed[place] = value
        expectAgreement(changed, "byte \(place) is \(value)")
      }
    }
  }

  @Test(
    arguments: [1, 60, 126, 127, 128, 200, 512], [nil, .epoch, Instant(microseconds: 1_700_000_000_000_001), .latest])
  func `A reply is written as protobuf-c writes it`(nameCount: Int, validUntil: Instant?) throws {
    let id = try #require(KeyID("key_0123456789ABCDEFGHIJ"))
    let name = KeyName(checked: String(repeating: "n", count: nameCount))
    for verdict in Verdict.allCases {
      for revision in [0, 1, 127, 128, 1_000_000, Revision.max] {
        let subject = Validation.Subject(id: id, name: name, validUntil: validUntil, revision: revision)
        for subject in [subject, nil] {
          var long = ByteBuffer()
          var fast = ByteBuffer()
          TTRPCEnvelope.append(.validateKey(Validation(verdict, subject: subject)), stream: 9, to: &long, in: arena)
          var text = name.text
          text.withUTF8 { utf8 in
            let brief =
              subject == nil
              ? BriefValidation(verdict)
              : BriefValidation(
                verdict, id: id, name: UnsafeRawBufferPointer(utf8), validUntil: validUntil, revision: revision)
            TTRPCEnvelope.append(brief, stream: 9, to: &fast)
          }
          #expect(Array(long.bytes) == Array(fast.bytes))
          arena.reset()
        }
      }
    }
  }
}
