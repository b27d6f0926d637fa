import KeywardCore
import KeywardWire
import Testing

/// Whole frames, byte for byte, as any ttrpc peer writes and reads them.
@Suite struct GoldenFrameTests {
  private let arena = Arena()
  private let id = KeyID("key_0123456789ABCDEFGHIJ")

  private static let request = """
    00 00 00 61  00 00 00 07  01  00
    0a 1c 6b 65 79 77 61 72 64 2e 76 31 2e 56 61 6c 69 64 61 74 69 6f 6e 53 65 72 76 69 63 65
    12 0b 56 61 6c 69 64 61 74 65 4b 65 79
    1a 30
    0a 2c 6b 77 5f 63 68 61 74 5f 30 30 30 30 30 30 30 30 30 30 30 30 30 30
    30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 34 38 4c 35 46 6f
    10 01
    20 c0 84 3d
    """

  @Test func `A validation request is read as the bytes say`() throws {
    let bytes = Self.request.hexadecimal
    try bytes.withUnsafeBytes { bytes in
      let header = try #require(FrameHeader(bytes))
      #expect(header.kind == .request)
      #expect(header.streamID == 7)
      #expect(header.dataByteCount == bytes.count - FrameHeader.byteCount)
      let call = try TTRPCCall(UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...]), in: arena)
      #expect(call.method == .validateKey)
      #expect(call.timeoutNanoseconds == 1_000_000)
      guard case .validateKey(let question) = try call.request(in: arena) else {
        Issue.record("not a validation")
        return
      }
      let text = "kw_chat_00000000000000000000000000000048L5Fo"
      #expect(question.permission == .chat && question.asOf == nil)
      #expect(
        question.secret == text.utf8.withContiguousStorageIfAvailable { PresentedSecret(UnsafeRawBufferPointer($0)) })
    }
  }

  @Test func `The client writes the same request`() throws {
    let text = Array("kw_chat_00000000000000000000000000000048L5Fo".utf8)
    let secret = text.withUnsafeBytes { Secret(copying: $0) }
    var output = ByteBuffer()
    try TTRPCEnvelope.append(
      .validateKey(secret, .chat, asOf: nil), stream: 7, timeoutNanoseconds: 1_000_000, to: &output, in: arena)
    #expect(Array(output.bytes) == Self.request.hexadecimal)
  }

  @Test func `A verdict with its key is written as the .proto file says`() throws {
    let subject = Validation.Subject(
      id: try #require(id), name: KeyName(checked: "Web"), validUntil: Instant(seconds: 1, nanoseconds: 5000),
      revision: 300)
    var output = ByteBuffer()
    TTRPCEnvelope.append(
      .validateKey(Validation(.valid, subject: subject)), stream: 7, to: &output, in: arena)
    let expected = """
      00 00 00 2d  00 00 00 07  02  00
      12 2b
      08 01
      12 18 6b 65 79 5f 30 31 32 33 34 35 36 37 38 39 41 42 43 44 45 46 47 48 49 4a
      1a 03 57 65 62
      22 05 08 01 10 88 27
      28 ac 02
      """
    #expect(Array(output.bytes) == expected.hexadecimal)
  }

  @Test func `A verdict without a key tells nothing else`() {
    var output = ByteBuffer()
    TTRPCEnvelope.append(.validateKey(Validation(.wrongPermission)), stream: 9, to: &output, in: arena)
    #expect(Array(output.bytes) == "00 00 00 04  00 00 00 09  02 00  12 02 08 04".hexadecimal)
  }

  @Test func `An error is a status with its reason, and no payload`() {
    var output = ByteBuffer()
    TTRPCEnvelope.append(CallError(.notFound, "no"), stream: 1, to: &output, in: arena)
    let expected = """
      00 00 00 4a  00 00 00 01  02 00 \
      0a 48 08 05 12 02 6e 6f \
      1a 40 \
      0a 28 74 79 70 65 2e 67 6f 6f 67 6c 65 61 70 69 73 2e 63 6f 6d \
      2f 67 6f 6f 67 6c 65 2e 72 70 63 2e 45 72 72 6f 72 49 6e 66 6f \
      12 14 0a 09 4e 4f 54 5f 46 4f 55 4e 44 \
      12 07 6b 65 79 77 61 72 64
      """
    #expect(Array(output.bytes) == expected.hexadecimal)
  }

  @Test func `A header keeps every bit of its fields`() throws {
    let header = try #require("00 3f ff fe  80 00 00 01  ff  a5".hexadecimal.withUnsafeBytes { FrameHeader($0) })
    #expect(header.dataByteCount == 0x3FFFFE)
    #expect(header.streamID == 0x8000_0001)
    #expect(header.kind == nil)
    #expect(header.flags == 0xA5)
  }

  @Test func `Nine bytes are not a header yet`() {
    #expect([UInt8](repeating: 0, count: 9).withUnsafeBytes { FrameHeader($0) } == nil)
  }
}
