import KeywardCore
import KeywardWire
import Testing

/// `WatchKeys` from the client's values to the server's and back.
@Suite struct WatchKeysTests {
  private let arena = Arena()

  private func received(_ event: WatchEvent) throws -> Reply {
    let bytes = try StreamMessage(event, in: arena).bytes
    arena.reset()
    return try bytes.withUnsafeBytes { try GRPCEnvelope.reply(.watchKeys, $0, in: arena) }
  }

  @Test(arguments: [ChangeType.created, .expired, .soonUnavailable, .purged, .imported])
  func `A change arrives with its key, its revision and its time`(type: ChangeType) throws {
    let key = Key(
      id: try #require(KeyID(sampleID)), name: KeyName(checked: "Büro"), permission: .chat, enabled: true,
      expireTime: nil, hint: "kw_chat_…abcd", creator: "ann", createTime: .epoch, updater: "ann", updateTime: .epoch,
      revision: 300)
    let event = KeyEventView(KeyEvent(revision: 301, type: type, time: Instant(microseconds: 7), key: key), .oneMonth)
    guard case .watchKeys(.change(let told)) = try received(.change(event)) else {
      Issue.record("no change")
      return
    }
    #expect(told == event)
  }

  @Test(arguments: [0, 300, Revision.max])
  func `That a stream has caught up arrives with the revision`(revision: Revision) throws {
    guard case .watchKeys(.caughtUp(revision)) = try received(.caughtUp(revision)) else {
      Issue.record("something else")
      return
    }
  }

  @Test(arguments: [0, 5, -1, Revision.max])
  func `The revision to start from arrives`(revision: Revision) throws {
    var output = ByteBuffer()
    try GRPCEnvelope.append(.watchKeys(after: revision), to: &output, in: arena)
    let message = UnsafeRawBufferPointer(rebasing: output.bytes[GRPCPrefix.byteCount...])
    guard case .watchKeys(after: revision) = try GRPCEnvelope.request(.watchKeys, message, in: arena) else {
      Issue.record("another request")
      return
    }
  }

  @Test func `Over ttrpc the call is refused with a word on gRPC`() throws {
    var output = ByteBuffer()
    try TTRPCEnvelope.append(.watchKeys(after: 0), stream: 1, timeoutNanoseconds: 0, to: &output, in: arena)
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    let error = #expect(throws: CallError.self) { try TTRPCCall(data, in: arena) }
    #expect(error?.code == .unimplemented && error?.message.contains("gRPC") == true)
  }
}
