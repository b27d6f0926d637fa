import KeywardCore
import KeywardWire
import Testing

/// Limits on the wire.
@Suite struct LimitMessageTests: DecodesCalls {
  let arena = Arena()

  private func create(_ fields: (inout ProtoWriter) -> Void) throws -> CreateKey? {
    let request = try change("CreateKey") {
      $0.text(1, "k")
      $0.varint(2, 1)
      fields(&$0)
    }
    if case .create(let key) = request.action { return key }
    return nil
  }

  private func refusal(_ fields: (inout ProtoWriter) -> Void) -> CallError? {
    refusal(of: "CreateKey") {
      $0.text(1, "k")
      $0.varint(2, 1)
      fields(&$0)
    }
  }

  @Test func `A key is asked for with limits; no burst is the count, no refill is never`() throws {
    let key = try create {
      $0.message(6) {
        $0.varint(1, 5)
        $0.message(2) { $0.varint(1, 60) }
      }
      $0.message(7) { $0.varint(1, 9) }
    }
    #expect(try key?.rateLimit == RateLimit(count: 5, periodSeconds: 60))
    #expect(try key?.useLimit == UseLimit(total: 9))
  }

  @Test func `What is no limit is told why`() {
    let wrong: [(String, (inout ProtoWriter) -> Void)] = [
      ("rate_limit.period is missing", { $0.message(6) { $0.varint(1, 5) } }),
      (
        "rate_limit.period has a part of a second: give whole seconds",
        { $0.message(6) { $0.message(2) { $0.varint(2, 1) } } }
      ),
      ("use_limit.total is 0: give 1 to 1000000000000", { $0.message(7) { $0.varint(2, 1) } }),
      (
        "use_limit.refill 4 is not known: give REFILL_NEVER, REFILL_DAILY or REFILL_MONTHLY",
        { $0.message(7) { $0.varint(2, 4) } }
      ),
    ]
    for (message, fields) in wrong {
      let error = refusal(fields)
      #expect(error?.code == .invalidArgument && error?.message == message)
    }
  }

  @Test func `A mask that names limits sets them, or lifts those that are absent`() throws {
    let id = try #require(KeyID(sampleID))
    let request = try change("UpdateKey") {
      $0.message(1) {
        $0.text(1, sampleID)
        $0.message(20) {
          $0.varint(1, 9)
          $0.varint(2, 3)
        }
      }
      $0.message(2) {
        $0.text(1, "rate_limit")
        $0.text(1, "use_limit")
      }
    }
    let limit = try UseLimit(total: 9, refill: .monthly)
    #expect(request == ChangeRequest(.update(id, KeyUpdate(rateLimit: .lifted, useLimit: .of(limit)))))
  }

  @Test func `Limits of a key, what is left, and refusals by them arrive`() throws {
    let key = Key(
      id: try #require(KeyID(sampleID)), name: KeyName(checked: "k"), permission: .chat, enabled: true,
      expireTime: nil, hint: "", creator: "ann", createTime: .epoch, updater: "ann", updateTime: .epoch, revision: 1,
      rateLimit: try RateLimit(count: 7, periodSeconds: 3, burst: 2),
      useLimit: try UseLimit(total: UseLimit.maxTotal, refill: .daily))
    for usage in [Usage(remaining: 0, refillTime: nil), Usage(remaining: UseLimit.maxTotal, refillTime: .latest), nil] {
      let view = KeyView(key: key, state: .active, availability: .available, usage: usage)
      guard case .getKey(let received, _) = try roundTrip(.getKey(view, revision: 1), of: .getKey) else {
        Issue.record("not a key")
        return
      }
      #expect(received == view)
    }
    let subject = Validation.Subject(id: key.id, name: key.name, validUntil: .latest, revision: 4)
    for sent in [
      Validation(.rateLimited, subject: subject, retryTime: .latest), Validation(.usageExceeded, subject: subject),
    ] {
      guard case .validateKey(let received) = try roundTrip(.validateKey(sent), of: .validateKey) else {
        Issue.record("not a verdict")
        return
      }
      #expect(received == sent)
    }
  }

  private func roundTrip(_ reply: Reply, of method: Method) throws -> Reply {
    var output = ByteBuffer()
    TTRPCEnvelope.append(reply, stream: 3, to: &output, in: arena)
    arena.reset()
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    return try TTRPCEnvelope.decode(data, of: method, in: arena).get()
  }
}
