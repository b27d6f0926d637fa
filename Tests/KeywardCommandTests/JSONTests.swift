import KeywardCore
import Testing

@testable import keyward

@Suite("JSON")
struct JSONTests {
  private let id = KeyID("key_0123456789ABCDEFGHIJ")
  private let instant = Instant(microseconds: 1_800_000_000_500_000)

  private func key(_ change: (inout Key) -> Void = { _ in }) throws -> Key {
    var key = Key(
      id: try #require(id), name: try KeyName("mailer"), permission: .secureMail, enabled: true, expireTime: nil,
      hint: "kw_mail_…a1B2", creator: "ann", createTime: instant, updater: "ann", updateTime: instant, revision: 7)
    change(&key)
    return key
  }

  @Test("a key has the proto's order and every field but absent instants")
  func keyMapping() throws {
    #expect(
      JSON(KeyView(try key(), at: instant)).text == """
        {"id": "key_0123456789ABCDEFGHIJ", "name": "mailer", "permission": "PERMISSION_SECURE_MAIL", "enabled": true, \
        "revokeReason": "", "state": "STATE_ACTIVE", "availability": "AVAILABILITY_AVAILABLE", \
        "hint": "kw_mail_…a1B2", "creator": "ann", "createTime": "2027-01-15T08:00:00.500Z", "updater": "ann", \
        "updateTime": "2027-01-15T08:00:00.500Z", "etag": "7"}
        """)
  }

  @Test("instants that there are stand where the proto has them")
  func keyInstants() throws {
    let key = try key {
      $0.expireTime = instant
      $0.revokeTime = instant
      $0.lastUsedTime = instant
      $0.deleteTime = instant
      $0.purgeTime = instant
    }
    guard case .object(let members) = JSON(KeyView(key, at: instant)) else {
      Issue.record("not an object")
      return
    }
    #expect(
      members.map(\.name) == [
        "id", "name", "permission", "enabled", "expireTime", "revokeTime", "revokeReason", "state", "availability",
        "hint", "creator", "createTime", "updater", "updateTime", "lastUsedTime", "deleteTime", "purgeTime", "etag",
      ])
  }

  @Test("a refusal that tells nothing of the key has its fields empty")
  func validation() throws {
    #expect(
      JSON(Validation(.wrongPermission)).text
        == #"{"verdict": "VERDICT_WRONG_PERMISSION", "keyId": "", "name": "", "revision": "0"}"#)
    let subject = Validation.Subject(
      id: try #require(id), name: try KeyName("mailer"), validUntil: instant, revision: 12)
    #expect(
      JSON(Validation(.valid, subject: subject)).text == """
        {"verdict": "VERDICT_VALID", "keyId": "key_0123456789ABCDEFGHIJ", "name": "mailer", \
        "validUntilTime": "2027-01-15T08:00:00.500Z", "revision": "12"}
        """)
  }

  @Test("an audit event has the proto's order, and its keys as they were then")
  func auditEvent() throws {
    let key = try key { $0.expireTime = instant.adding(seconds: 1) }
    // As the daemon has told it: the client does not judge keys anew, by a window of its own.
    let view = KeyView(key: key, state: .active, availability: .available)
    let event = AuditEventView(
      revision: 7, type: .rotated, time: instant, keyID: key.id, actor: Actor(uid: 9, user: "ann", pid: 8),
      before: view, after: view, graceEnd: instant.adding(seconds: 1))
    guard case .object(let members) = JSON(event) else {
      Issue.record("not an object")
      return
    }
    #expect(
      members.map(\.name) == [
        "revision", "type", "eventTime", "keyId", "actor", "uid", "pid", "before", "after", "graceEndTime",
      ])
    let text = JSON(event).text
    #expect(text.hasPrefix(#"{"revision": "7", "type": "CHANGE_TYPE_ROTATED", "eventTime": "2027-01-15T08"#))
    #expect(text.contains(#""state": "STATE_ACTIVE", "availability": "AVAILABILITY_AVAILABLE""#))
    #expect(text.hasSuffix(#""graceEndTime": "2027-01-15T08:00:01.500Z"}"#))
    let made = AuditEventView(
      revision: 7, type: .created, time: instant, keyID: key.id, actor: Actor(uid: 9, user: "ann", pid: 8),
      before: nil, after: nil)
    #expect(!JSON(made).text.contains("before") && !JSON(made).text.contains("after"))
    #expect(!JSON(made).text.contains("graceEndTime"))
  }

  @Test("32-bit numbers are numbers, 64-bit ones strings")
  func numbers() {
    let identity = Identity(peer: Peer(uid: 4_294_967_294, gids: [0, 27], pid: 9), user: "ann", rights: .canValidate)
    #expect(
      JSON(identity, revision: 1 << 40).text == """
        {"uid": 4294967294, "user": "ann", "gids": [0, 27], "pid": 9, "rights": ["canValidate"], \
        "revision": "1099511627776"}
        """)
    let status = ServiceStatus(
      version: "0.1.0", pid: 9, startTime: .epoch, currentTime: instant, revision: 1, keyCount: 2, connectionCount: 3,
      callCount: 4, refusedCallCount: 5)
    #expect(
      JSON(status).text == """
        {"version": "0.1.0", "pid": 9, "startTime": "1970-01-01T00:00:00Z", \
        "currentTime": "2027-01-15T08:00:00.500Z", "revision": "1", "keyCount": "2", "connectionCount": "3", \
        "callCount": "4", "refusedCallCount": "5", "auditHash": "", "auditRevision": "0"}
        """)
  }

  @Test("strings are escaped, and cannot steer a terminal")
  func escaping() {
    #expect(JSON.string("a\"b\\c\n\u{1B}\u{7F}\u{9B}\u{2028}é😀").text == #""a\"b\\c\n\u001b\u007f\u009b\u2028é😀""#)
    #expect(JSON.object([]).text == "{}")
    #expect(JSON.array([]).text == "[]")
  }
}
