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
    return KeyView(
      key: key, state: .deleted, availability: .unavailable, formerSecretEnds: [Instant(microseconds: 6), .latest])
  }

  @Test func `Every field of a key arrives`() throws {
    let sent = try view("leaked")
    guard case .success(.getKey(let received, let revision)) = try roundTrip(.getKey(sent, revision: 9), of: .getKey)
    else {
      Issue.record("not a key")
      return
    }
    #expect(received == sent)
    #expect(revision == 9)
  }

  @Test(arguments: [
    Method.createKey, .updateKey, .revokeKey, .deleteKey, .undeleteKey, .copyKey, .rotateKey,
  ])
  func `A changed key arrives with its revision, and with its secret where one was made`(method: Method) throws {
    var generator = SplitMix(state: 2)
    let made = Secret.random(for: .chat, using: &generator)
    let makesSecret = [.createKey, .copyKey, .rotateKey].contains(method)
    for secret in makesSecret ? [made, nil] : [nil] {
      let sent = Reply.changed(method, try view(), secret, revision: 300)
      guard case .success(.changed(method, let key, let received, let revision)) = try roundTrip(sent, of: method)
      else {
        Issue.record("not a changed key")
        return
      }
      #expect(key == (try view()))
      #expect(received?.digest == secret?.digest)
      #expect(revision == 300)
    }
  }

  @Test func `The verdicts of a batch arrive in their order`() throws {
    let subject = Validation.Subject(
      id: try #require(KeyID(sampleID)), name: KeyName(checked: "n"), validUntil: .latest, revision: 4)
    let sent = [Validation(.valid, subject: subject), Validation(.malformed), Validation(.expired, subject: subject)]
    guard
      case .success(.validateKeys(let received, let revision)) = try roundTrip(
        .validateKeys(sent, revision: 5), of: .validateKeys)
    else {
      Issue.record("not verdicts")
      return
    }
    #expect(received == sent)
    #expect(revision == 5)
  }

  @Test func `Every field of an audit event arrives, for every type`() throws {
    let key = try view("leaked")
    let actor = Actor(uid: 4_000_000_000, user: "ann", pid: 7)
    let events = ChangeType.allCases.map { type in
      // What the server makes of the key's availability arrives, whatever the client would make of it.
      AuditEventView(
        revision: Revision(type.rawValue), type: type, time: .latest, keyID: key.key.id, actor: actor,
        before: type == .created ? nil : KeyView(key: key.key, state: .active, availability: .soonUnavailable),
        after: type == .purged ? nil : key, graceEnd: type == .rotated ? .latest : nil)
    }
    let sent = AuditPage(events: events, nextPageToken: "next", totalSize: 1 << 40)
    guard
      case .success(.listAuditEvents(let received, let revision)) = try roundTrip(
        .listAuditEvents(sent, revision: .max), of: .listAuditEvents)
    else {
      Issue.record("not the audit")
      return
    }
    #expect(received == sent)
    #expect(revision == .max)
  }

  @Test(arguments: [true, false])
  func `What a walk along the audit found arrives`(isBroken: Bool) throws {
    let head = AuditHead(revision: 6, hashText: String(repeating: "0f", count: 32))
    let sent =
      isBroken
      ? AuditSummary(
        rowCount: 5, firstBroken: 2, missingRowCount: 1 << 40, firstMissing: 3, alteredKeyCount: 7,
        alteredKeys: [try #require(KeyID(sampleID))], isClockSetBack: true, head: try #require(head))
      : AuditSummary(AuditVerification())
    guard
      case .success(.verifyAudit(let received, let revision)) = try roundTrip(
        .verifyAudit(sent, revision: 8), of: .verifyAudit)
    else {
      Issue.record("not a verification")
      return
    }
    #expect(received == sent)
    #expect(revision == 8)
  }

  @Test func `A page arrives in its order`() throws {
    let sent = KeyPage(keys: [try view("a"), try view("b")], nextPageToken: "next", totalSize: 1 << 40)
    guard
      case .success(.listKeys(let received, let revision)) = try roundTrip(.listKeys(sent, revision: 7), of: .listKeys)
    else {
      Issue.record("not a page")
      return
    }
    #expect(received == sent)
    #expect(revision == 7)
  }

  @Test func `An identity and a status arrive`() throws {
    let identity = Identity(
      peer: Peer(uid: 4_000_000_000, gids: [1, 2, 3], pid: 7), user: "ann", rights: [.canView, .canValidateChat])
    guard
      case .success(.whoAmI(let received, let revision)) = try roundTrip(.whoAmI(identity, revision: 6), of: .whoAmI)
    else {
      Issue.record("not an identity")
      return
    }
    #expect(received == identity)
    #expect(revision == 6)
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
    guard case .failure(let error) = try roundTrip(.listKeys(page, revision: 1), of: .listKeys) else {
      Issue.record("it was sent")
      return
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test func `A reply that fills the arena becomes an error`() throws {
    let arena = Arena(blockByteCount: 4096, limit: 8192)
    let page = KeyPage(keys: Array(repeating: try view(), count: 100), nextPageToken: "", totalSize: 100)
    var output = ByteBuffer()
    TTRPCEnvelope.append(.listKeys(page, revision: 1), stream: 1, to: &output, in: arena)
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
    (.tooLarge("x"), .resourceExhausted), (.crowded("x", retrySeconds: 1), .resourceExhausted),
    (.aborted("x"), .aborted), (.precondition("x"), .failedPrecondition), (.unavailable("x"), .unavailable),
    (.unimplemented("x"), .unimplemented), (.internal("x"), .internal),
  ])
  func `Each refusal of the domain has its status`(error: DomainError, code: StatusCode) {
    #expect(CallError(error).code == code)
  }
}
