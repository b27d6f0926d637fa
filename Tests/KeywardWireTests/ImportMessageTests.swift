import KeywardCore
import KeywardWire
import Testing

/// An import on the wire.
@Suite struct ImportMessageTests: DecodesCalls {
  let arena = Arena()

  private static let secret = "another system's secret"
  private static let digestOfNothing = Digest(sha256: UnsafeRawBufferPointer(start: nil, count: 0))
    .withUnsafeBytes { Array($0) }

  private func request(_ fields: (inout ProtoWriter) -> Void) throws(CallError) -> ImportKeys {
    let request = try decode("keyward.v1.KeyService", "ImportKeys", ProtoWriter(fields))
    guard case .importKeys(let keys) = request else { throw CallError(.internal, "no import") }
    return keys
  }

  private func key(_ name: String, _ fields: (inout ProtoWriter) -> Void = { $0.text(3, secret) }) -> ProtoWriter {
    ProtoWriter {
      $0.text(1, name)
      $0.varint(2, 1)
      fields(&$0)
    }
  }

  @Test func `Every field arrives`() throws {
    let digest = Array(Self.secret.utf8).withUnsafeBytes { Digest(sha256: $0) }
    let request = try request {
      $0.message(1) {
        $0.text(1, " a ")
        $0.varint(2, 2)
        $0.text(3, Self.secret)
        $0.message(5) { $0.varint(1, 10) }
        $0.text(6, "ann")
        $0.varint(7, 1)
      }
      $0.data(1, key("b") { $0.data(4, digest.withUnsafeBytes { Array($0) }) }.bytes)
      $0.varint(2, 1)
      $0.text(3, "r1")
      $0.varint(4, 1)
    }
    #expect(
      request.options == ImportOptions(skipExisting: true, validateOnly: true, requestID: try RequestID("r1")))
    #expect(request.keys.map(\.name.text) == ["a", "b"])
    #expect(request.keys.map(\.permission) == [.secureMail, .chat])
    #expect(request.keys.map(\.credential.digest) == [digest, digest])
    #expect(request.keys.map(\.credential.hint) == ["anot…cret", "sha256…"])
    #expect(request.keys.map(\.expireTime) == [Instant(seconds: 10), nil])
    #expect(request.keys.map(\.creator) == ["ann", ""])
    #expect(request.keys.map(\.enabled) == [false, true])
  }

  @Test func `A portion of an upload arrives, and a call without one is the whole import`() throws {
    let entry = key("a").bytes
    func portion(_ fields: (inout ProtoWriter) -> Void) throws(CallError) -> ImportPortion? {
      try request {
        $0.data(1, entry)
        fields(&$0)
      }.options.portion
    }
    #expect(try portion { _ in } == nil)
    #expect(try portion { $0.text(5, "u") } == ImportPortion(UploadID("u"), number: 0, hasMore: false))
    #expect(
      try portion {
        $0.text(5, "u")
        $0.varint(6, 3)
        $0.varint(7, 1)
      } == ImportPortion(UploadID("u"), number: 3, hasMore: true))
  }

  @Test func `A portion that can be none is refused`() throws {
    let entry = key("a").bytes
    let wrong: [(String, (inout ProtoWriter) -> Void)] = [
      ("upload_id is empty", { $0.varint(6, 1) }), ("upload_id is empty", { $0.varint(7, 1) }),
      ("upload_id has 129 characters", { $0.text(5, String(repeating: "x", count: 129)) }),
      ("upload_id has the control character", { $0.text(5, "a\n") }),
      ("upload_id is not UTF-8", { $0.data(5, [0xFF]) }),
      (
        "portion is -1: the portions of an upload are counted from 0",
        {
          $0.text(5, "u")
          $0.varint(6, UInt64(bitPattern: -1))
        }
      ),
    ]
    for (message, fields) in wrong {
      let error = try #require(
        refusal(of: "ImportKeys") {
          $0.data(1, entry)
          fields(&$0)
        })
      #expect(error.code == .invalidArgument)
      #expect(error.message.hasPrefix(message), "\(error.message)")
    }
  }

  @Test func `What a client sends is what arrives`() throws {
    let bytes = Array(Self.secret.utf8)
    let secret = bytes.withUnsafeBytes { Secret(copying: $0) }
    let credential = try bytes.withUnsafeBytes { try ImportCredential(secret: $0, for: .chat) }
    let keys = [
      KeyToImport(
        try ImportKey(
          name: KeyName("a"), permission: .chat, credential: credential, expireTime: .latest, creator: "bob",
          enabled: false, rateLimit: RateLimit(count: 9, periodSeconds: 60, burst: 2),
          useLimit: UseLimit(total: 7, refill: .daily)), secret: secret),
      KeyToImport(
        try ImportKey(
          name: KeyName("b"), permission: .secureMail, credential: ImportCredential(digest: credential.digest)),
        secret: nil),
    ]
    let options = ImportOptions(
      skipExisting: true, requestID: try RequestID("r"),
      portion: try ImportPortion(UploadID("u"), number: 2, hasMore: true))
    var output = ByteBuffer()
    try TTRPCEnvelope.append(
      .importKeys(keys, options), stream: 1, timeoutNanoseconds: 0, to: &output, in: arena)
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    guard case .importKeys(let received) = try TTRPCCall(data, in: arena).request(in: arena) else {
      Issue.record("no import")
      return
    }
    #expect(received.keys == keys.map(\.key))
    #expect(received.options == options)
  }

  @Test func `A wrong entry is named with its field, and its secret is not repeated`() throws {
    let wrong: [(ProtoWriter, String)] = [
      (key(""), "keys[1].name is empty"), (key("b") { _ in }, "keys[1].secret is missing"),
      (key("b") { $0.text(3, "kw_chat_\(Self.secret)") }, "keys[1].secret begins with"),
      (key("b") { $0.text(3, "") }, "keys[1].secret is empty"),
      (key("b") { $0.data(3, [0xFF]) }, "keys[1].secret is not UTF-8"),
      (key("b") { $0.data(4, [1]) }, "keys[1].sha256 has 1 bytes"),
      (key("b") { $0.data(4, Self.digestOfNothing) }, "keys[1].sha256 is that of the empty text"),
      (
        key("b") {
          $0.text(3, Self.secret)
          $0.message(8) { $0.varint(1, 5) }
        }, "keys[1].rate_limit.period is missing"
      ),
      (ProtoWriter { $0.text(1, "b") }, "keys[1].permission is missing"),
      (
        key("b") {
          $0.text(3, "x")
          $0.message(5) { $0.varint(1, UInt64(bitPattern: -1)) }
        }, "keys[1].expire_time is not a time"
      ),
      (
        key("b") {
          $0.text(3, "x")
          $0.text(6, "a\u{1B}")
        }, "keys[1].creator has the control character"
      ),
    ]
    for (entry, message) in wrong {
      let error = try #require(
        refusal(of: "ImportKeys") {
          $0.data(1, key("a").bytes)
          $0.data(1, entry.bytes)
        })
      #expect(error.code == .invalidArgument)
      #expect(error.message.hasPrefix(message), "\(error.message)")
      #expect(!error.message.contains(Self.secret))
    }
  }

  @Test(arguments: [0, 10_001, 20_000])
  func `None, and too many, are refused`(count: Int) throws {
    let entry = key("a").bytes
    let error = try #require(refusal(of: "ImportKeys") { for _ in 0..<count { $0.data(1, entry) } })
    #expect(error.code == .invalidArgument && error.message.contains("give 1 to 10000"))
  }

  @Test func `The counts arrive`() throws {
    let sent = ImportOutcome(importedCount: 3, skippedCount: 2, revision: 300)
    var output = ByteBuffer()
    TTRPCEnvelope.append(.importKeys(sent), stream: 3, to: &output, in: arena)
    arena.reset()
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    guard case .success(.importKeys(let received)) = try TTRPCEnvelope.decode(data, of: .importKeys, in: arena) else {
      Issue.record("no counts")
      return
    }
    #expect(received == sent)
  }
}
