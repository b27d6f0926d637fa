import KeywardCore
import KeywardWire
import Testing

/// The methods that change many keys, as they arrive and as they are answered.
@Suite struct GroupDecodingTests: DecodesCalls {
  let arena = Arena()

  private static let methods = ["BatchUpdateKeys", "BatchRevokeKeys", "BatchDeleteKeys"]

  private func group(_ method: String, _ fields: (inout ProtoWriter) -> Void) throws -> GroupChange {
    guard case .groupChange(let group) = try decode("keyward.v1.KeyService", method, ProtoWriter(fields)) else {
      throw CallError(.internal, "\(method) changes no group")
    }
    return group
  }

  /// What each method needs besides the keys.
  private func rest(of method: String, _ writer: inout ProtoWriter) {
    guard method == "BatchUpdateKeys" else { return }
    writer.message(2) { $0.varint(4, 0) }
    writer.message(3) { $0.text(1, "enabled") }
  }

  @Test func `What a method names arrives`() throws {
    let other = "key_00000000000000000001"
    let keys = [
      KeyVersion(id: try #require(KeyID(sampleID)), etag: 7), KeyVersion(id: try #require(KeyID(other)), etag: nil),
    ]
    func write(_ writer: inout ProtoWriter) {
      writer.message(1) {
        $0.text(1, sampleID)
        $0.text(2, "7")
      }
      writer.message(1) { $0.text(1, other) }
    }
    #expect(
      try group("BatchRevokeKeys") {
        write(&$0)
        $0.message(2) { $0.varint(1, 4_000_000_000) }
        $0.text(3, "leaked")
      }
        == GroupChange(
          .revoke(Revocation(time: Instant(seconds: 4_000_000_000), reason: RevokeReason("leaked"))), of: keys))
    #expect(try group("BatchDeleteKeys") { write(&$0) } == GroupChange(.delete, of: keys))
    let update = try group("BatchUpdateKeys") {
      write(&$0)
      $0.message(2) { $0.text(1, "no id, and not looked at") }
      $0.message(3) {
        $0.text(1, "enabled")
        $0.text(1, "expire_time")
      }
    }
    #expect(try update == GroupChange(.update(KeyUpdate(enabled: false, expiry: .never)), of: keys))
  }

  @Test(arguments: methods)
  func `No keys, too many and a wrong one are INVALID_ARGUMENT`(method: String) throws {
    for count in [0, 10_001] {
      let error = try #require(
        refusal(of: method) { writer in
          for _ in 0..<count { writer.message(1) { $0.text(1, sampleID) } }
          rest(of: method, &writer)
        })
      #expect(error == CallError(field: "keys", "has \(count) entries: give 1 to 10000"))
    }
    for (texts, message) in [
      ([sampleID, "Web chat"], "keys[1]: id is not a key's id"), ([sampleID, sampleID], "keys holds \(sampleID) more"),
      ([""], "keys[0]: id is not"),
    ] {
      let error = try #require(
        refusal(of: method) { writer in
          for text in texts { writer.message(1) { $0.text(1, text) } }
          rest(of: method, &writer)
        })
      #expect(error.code == .invalidArgument)
      #expect(error.message.hasPrefix(message), "\(error.message)")
    }
  }

  @Test(arguments: [
    ([], "update_mask is empty: give enabled, expire_time, rate_limit, use_limit"),
    (["name"], "update_mask holds \"name\""), (["permission"], "update_mask holds"),
    (["creator"], "update_mask holds"), (["nothing"], "update_mask holds"),
  ])
  func `A mask of nothing, or of what no two keys share, is INVALID_ARGUMENT`(
    paths: [String], message: String
  ) throws {
    let error = try #require(
      refusal(of: "BatchUpdateKeys") { writer in
        writer.message(1) { $0.text(1, sampleID) }
        writer.message(2) { $0.text(2, "n") }
        writer.message(3) { for path in paths { $0.text(1, path) } }
      })
    #expect(error.code == .invalidArgument)
    #expect(error.message.hasPrefix(message), "\(error.message)")
    #expect(!error.message.contains("give name"))
  }

  @Test func `An update without a key is INVALID_ARGUMENT`() throws {
    let error = refusal(of: "BatchUpdateKeys") { writer in
      writer.message(1) { $0.text(1, sampleID) }
      writer.message(3) { $0.text(1, "expire_time") }
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `What the client asks for arrives, with as many keys as there may be`() throws {
    let keys = try (0..<10_000).map { number in
      let digits = String(number)
      let id = "key_" + String(repeating: "0", count: 20 - digits.count) + digits
      return KeyVersion(id: try #require(KeyID(id)), etag: number % 2 == 0 ? nil : Revision(number))
    }
    let reason = try RevokeReason(String(repeating: "ж", count: RevokeReason.maxCount))
    for action: GroupChange.Action in [
      .update(KeyUpdate(enabled: true)), .update(KeyUpdate(enabled: false, expiry: .at(.latest))),
      .revoke(Revocation(time: .latest, reason: reason)), .revoke(Revocation()), .delete,
    ] {
      let sent = OutgoingRequest.groupChange(try GroupChange(action, of: keys))
      var output = ByteBuffer()
      try TTRPCEnvelope.append(sent, stream: 1, timeoutNanoseconds: 0, to: &output, in: arena)
      arena.reset()
      let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
      let call = try TTRPCCall(data, in: arena)
      #expect(call.method == sent.method)
      guard case .groupChange(let received) = try call.request(in: arena) else {
        Issue.record("not a group")
        continue
      }
      #expect(try received == GroupChange(action, of: keys))
      arena.reset()
    }
  }

  @Test(arguments: [Method.batchUpdateKeys, .batchRevokeKeys, .batchDeleteKeys])
  func `How many were changed arrives`(method: Method) throws {
    var output = ByteBuffer()
    TTRPCEnvelope.append(.groupChanged(method, count: 10_000, revision: .max), stream: 3, to: &output, in: arena)
    arena.reset()
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    guard
      case .success(.groupChanged(method, let count, let revision)) = try TTRPCEnvelope.decode(
        data, of: method, in: arena)
    else {
      Issue.record("not a group's reply")
      return
    }
    #expect(count == 10_000 && revision == .max)
  }
}
