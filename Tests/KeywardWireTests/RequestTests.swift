import KeywardCore
import KeywardWire
import Testing

/// Requests from the client's values to the handlers' and back.
@Suite struct RequestTests {
  private let arena = Arena()

  private func roundTrip(_ request: OutgoingRequest) throws -> Request {
    var output = ByteBuffer()
    try TTRPCEnvelope.append(request, stream: 1, timeoutNanoseconds: 0, to: &output, in: arena)
    arena.reset()
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    let call = try TTRPCCall(data, in: arena)
    #expect(call.method == request.method)
    return try call.request(in: arena)
  }

  @Test func `Every change arrives as it was asked for`() throws {
    let id = try #require(KeyID(sampleID))
    let requestID = try RequestID("r 1")
    let name = try KeyName("Büro 🗝")
    let requests = [
      ChangeRequest(
        .create(CreateKey(name: name, permission: .secureMail, enabled: false, expireTime: .latest)),
        requestID: requestID),
      ChangeRequest(.update(id, KeyUpdate(name: name, enabled: false, expiry: .at(.latest))), etag: .max),
      ChangeRequest(.update(id, KeyUpdate(name: name))), ChangeRequest(.update(id, KeyUpdate(enabled: true))),
      ChangeRequest(.update(id, KeyUpdate(expiry: .never))),
      ChangeRequest(
        .create(
          CreateKey(
            name: name, permission: .chat, rateLimit: try RateLimit(count: 5, periodSeconds: 9, burst: 2),
            useLimit: try UseLimit(total: 3)))),
      ChangeRequest(
        .update(
          id,
          KeyUpdate(
            rateLimit: .of(try RateLimit(count: 1, periodSeconds: 1)),
            useLimit: .of(try UseLimit(total: 1, refill: .daily))))),
      ChangeRequest(.update(id, KeyUpdate(rateLimit: .lifted, useLimit: .lifted))),
      ChangeRequest(.revoke(id, Revocation(time: .latest, reason: try RevokeReason("leaked"))), etag: 1),
      ChangeRequest(.revoke(id, Revocation())), ChangeRequest(.delete(id), etag: 2), ChangeRequest(.delete(id)),
      ChangeRequest(.undelete(id), etag: 3), ChangeRequest(.copy(id, CopyKey())),
      ChangeRequest(.copy(id, CopyKey(name: name)), etag: 4, requestID: requestID),
      ChangeRequest(.rotate(id, try RotateKey(graceSeconds: RotateKey.maxGraceSeconds)), etag: 5, requestID: requestID),
      ChangeRequest(.rotate(id, try RotateKey(graceSeconds: 0))),
    ]
    for sent in requests {
      guard case .change(let received) = try roundTrip(.change(sent)) else {
        Issue.record("not a change")
        continue
      }
      #expect(received == sent)
    }
  }

  @Test func `A batch and a question to the audit arrive`() throws {
    let secret = Array("another system's".utf8).withUnsafeBytes { Secret(copying: $0) }
    let later = Instant(seconds: 2_000_000_000)
    let batch = OutgoingRequest.validateKeys([(secret, .chat), (secret, .secureMail)], asOf: later)
    guard case .validateKeys(let questions) = try roundTrip(batch) else {
      Issue.record("not a batch")
      return
    }
    #expect(questions.map(\.permission) == [.chat, .secureMail])
    #expect(questions.map(\.asOf) == [later, later])
    #expect(questions.map(\.secret) == [.digest(secret.digest), .digest(secret.digest)])
    let query = try AuditPageQuery(
      AuditQuery(
        keyID: KeyID(sampleID), user: "ann", types: Set(ChangeType.allCases), start: .epoch, end: .latest),
      pageSize: 7, pageToken: "t")
    guard case .listAuditEvents(let received) = try roundTrip(.listAuditEvents(query)) else {
      Issue.record("not a question to the audit")
      return
    }
    #expect(received == query)
  }
}
