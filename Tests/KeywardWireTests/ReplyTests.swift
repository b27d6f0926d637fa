import KeywardCore
import KeywardWire
import Testing

/// Replies from the handlers to the client's values and back.
@Suite struct ReplyTests {
  private let arena = Arena()

  private func roundTrip(_ reply: Reply, of method: Method) throws -> Result<Reply, CallError> {
    var output = ByteBuffer()
    TTRPCEnvelope.append(reply, stream: 3, to: &output, in: arena)
    arena.reset()
    let header = try #require(FrameHeader(output.bytes))
    #expect(header.kind == .response && header.streamID == 3)
    #expect(output.count == FrameHeader.byteCount + header.dataByteCount)
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    return try TTRPCEnvelope.decode(data, of: method, in: arena)
  }

  private func view(_ reason: String = "") throws -> KeyView {
    let key = Key(
      id: try #require(KeyID("key_zzzzzzzzzzzzzzzzzzzz")), name: KeyName(checked: "Büro 🗝"), permission: .secureMail,
      enabled: false, expireTime: .latest, revokeTime: .epoch, revokeReason: reason, hint: "kw_mail_…abcd",
      creator: "ann", createTime: Instant(microseconds: 1), updater: "bob", updateTime: Instant(microseconds: 2),
      lastUsedTime: Instant(microseconds: 3), deleteTime: Instant(microseconds: 4),
      purgeTime: Instant(microseconds: 5), revision: .max)
    return KeyView(key: key, state: .deleted, availability: .unavailable)
  }

  @Test func `Every field of a key arrives`() throws {
    let sent = try view("leaked")
    guard case .success(.getKey(let received)) = try roundTrip(.getKey(sent), of: .getKey) else {
      Issue.record("not a key")
      return
    }
    #expect(received == sent)
  }

  @Test func `A new key arrives with its secret`() throws {
    var generator = SplitMix(state: 2)
    let sent = Secret.random(for: .chat, using: &generator)
    guard case .success(.createKey(_, let received)) = try roundTrip(.createKey(try view(), sent), of: .createKey)
    else {
      Issue.record("not a new key")
      return
    }
    #expect(received.digest == sent.digest)
  }

  @Test func `A page arrives in its order`() throws {
    let sent = KeyPage(keys: [try view("a"), try view("b")], nextPageToken: "next", totalSize: 1 << 40)
    guard case .success(.listKeys(let received)) = try roundTrip(.listKeys(sent), of: .listKeys) else {
      Issue.record("not a page")
      return
    }
    #expect(received == sent)
  }

  @Test func `An identity and a status arrive`() throws {
    let identity = Identity(
      peer: Peer(uid: 4_000_000_000, gids: [1, 2, 3], pid: 7), user: "ann", rights: [.canView, .canValidateChat])
    guard case .success(.whoAmI(let received)) = try roundTrip(.whoAmI(identity), of: .whoAmI) else {
      Issue.record("not an identity")
      return
    }
    #expect(received == identity)
    let status = ServiceStatus(
      version: "1.2.3", pid: 1, startTime: .epoch, currentTime: .latest, revision: 9, keyCount: 8, connectionCount: 7,
      callCount: 6, refusedCallCount: 5)
    guard case .success(.getStatus(let told)) = try roundTrip(.getStatus(status), of: .getStatus) else {
      Issue.record("not a status")
      return
    }
    #expect(told == status)
  }

  @Test func `A reply of more than 4 MiB is never sent`() throws {
    let long = try view(String(repeating: "x", count: 5000))
    let page = KeyPage(keys: Array(repeating: long, count: 1000), nextPageToken: "", totalSize: 1000)
    guard case .failure(let error) = try roundTrip(.listKeys(page), of: .listKeys) else {
      Issue.record("it was sent")
      return
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test func `A reply that fills the arena becomes an error`() throws {
    let arena = Arena(blockByteCount: 4096, limit: 8192)
    let page = KeyPage(keys: Array(repeating: try view(), count: 100), nextPageToken: "", totalSize: 100)
    var output = ByteBuffer()
    TTRPCEnvelope.append(.listKeys(page), stream: 1, to: &output, in: arena)
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    guard case .failure(let error) = try TTRPCEnvelope.decode(data, of: .listKeys, in: Arena()) else {
      Issue.record("it was sent")
      return
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test(arguments: [
    (DomainError.invalid(field: "name", "is empty"), StatusCode.invalidArgument), (.notFound("x"), .notFound),
    (.alreadyExists("x"), .alreadyExists), (.denied("x"), .permissionDenied), (.exhausted("x"), .resourceExhausted),
    (.unavailable("x"), .unavailable), (.unimplemented("x"), .unimplemented), (.internal("x"), .internal),
  ])
  func `Each refusal of the domain has its status`(error: DomainError, code: StatusCode) {
    #expect(CallError(error).code == code)
  }
}
