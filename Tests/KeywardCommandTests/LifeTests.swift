import CommandSupport
import KeywardCore
import Testing

@testable import keyward

@Suite("The verbs for a key's life")
struct LifeTests {
  private let now = Instant(microseconds: 1_800_014_400_000_000)

  private func key(_ change: (inout Key) -> Void = { _ in }) throws -> Key {
    var key = Key(
      id: try #require(KeyID("key_0123456789ABCDEFGHIJ")), name: try KeyName("mailer"), permission: .secureMail,
      enabled: true, expireTime: nil, hint: "kw_mail_…a1B2", creator: "ann", createTime: now, updater: "ann",
      updateTime: now, revision: 7)
    change(&key)
    return key
  }

  @Test("a grace is a span and nothing else")
  func grace() throws {
    #expect(try Grace("0s").seconds(now: now) == 0)
    #expect(try Grace("90m").seconds(now: now) == 5400)
    // From 15 January to 15 February.
    #expect(try Grace("1mo").seconds(now: now) == 31 * 86400)
    #expect(Grace.none.seconds(now: now) == 0)
    for text in ["", "7", "never", "2027-01-31", "2027-01-31T00:00:00Z", "1 d", "d"] {
      #expect(throws: ExpiryError.self) { try Grace(text) }
    }
  }

  @Test("a past time counts back from now")
  func pastTimes() throws {
    #expect(try PastTime("2h").start(now: now) == now.adding(seconds: -7200))
    #expect(try PastTime("1mo").end(now: now) == Instant(rfc3339: "2026-12-15T12:00:00Z"))
    let instant = try #require(Instant(rfc3339: "2026-01-31T17:00:00Z"))
    #expect(try PastTime("2026-01-31T17:00:00Z").start(now: now) == instant)
    #expect(try PastTime("2026-01-31T17:00:00Z").end(now: now) == instant)
    #expect(throws: ExpiryError.self) { try PastTime("200y").start(now: now) }
    for text in ["", "never", "2026-02-30", "yesterday"] { #expect(throws: ExpiryError.self) { try PastTime(text) } }
  }

  @Test("a date begins when the one before it ends")
  func dates() throws {
    let date = try PastTime("2026-03-29")
    #expect(try date.start(now: now) == PastTime("2026-03-28").end(now: now))
    #expect(try date.start(now: now) < date.end(now: now))
  }

  @Test(
    "only a yes is a yes",
    arguments: [("y", true), ("YES ", true), (" yes", true), ("", false), ("yep", false), ("n", false)])
  func confirmation(_ answer: String, _ isYes: Bool) {
    #expect(Confirmation.isYes(answer) == isYes)
  }

  @Test("a name of several deleted keys is not enough")
  func deletedNames() throws {
    let name = try KeyName("mailer")
    let ids = try ["key_00000000000000000001", "key_00000000000000000002"].map { try #require(KeyID($0)) }
    #expect(try Undelete.only([ids[0]], of: name) == ids[0])
    let none = #expect(throws: CommandFailure.self) { try Undelete.only([], of: name) }
    #expect(none?.status == .noInput)
    let several = #expect(throws: CommandFailure.self) { try Undelete.only(ids, of: name) }
    #expect(several?.status == .badData)
    #expect(several?.message.contains("\(ids[0]), \(ids[1])") == true)
  }

  @Test("details of a key that has expired say when it did, whatever its state")
  func expired() throws {
    let output = KeyOutput(times: Times(now: now))
    func card(_ change: (inout Key) -> Void) throws -> String {
      output.card(KeyView(try key(change), at: now)).lines(Palette(isTerminal: false))
    }
    let expired = try card { $0.expireTime = now.adding(seconds: -7200) }
    #expect(expired.contains("\nexpired       2027-01-15 ") && expired.contains("(2 hours ago)"))
    #expect(try card { $0.expireTime = now.adding(seconds: 7200) }.contains("\nexpires       2027-01-15 "))
    #expect(try card { _ in }.contains("\nexpires       never"))
    let deleted = try card {
      $0.expireTime = now
      $0.deleteTime = now
    }
    #expect(deleted.contains("\nexpired "))
  }

  @Test("details of a deleted key say that it was revoked, not that it will be")
  func revokedAndDeleted() throws {
    let output = KeyOutput(times: Times(now: now))
    func card(_ time: Instant) throws -> String {
      let key = try key {
        $0.revokeTime = time
        $0.deleteTime = now
      }
      return output.card(KeyView(key, at: now)).lines(Palette(isTerminal: false))
    }
    #expect(try card(now.adding(seconds: -60)).contains("\nrevoked "))
    #expect(try card(now.adding(seconds: 60)).contains("\nwill be revoked "))
  }

  @Test("a new secret that is not good is warned of, with what makes it good")
  func warnings() throws {
    func warning(_ change: (inout Key) -> Void) throws -> String? {
      SecretAnswer.warning(of: KeyView(try key(change), at: now))
    }
    #expect(try warning { _ in } == nil)
    #expect(
      try warning { $0.expireTime = now }
        == "keyward: warning: the key is expired already, so its new secret is not good: "
        + "keyward expire key_0123456789ABCDEFGHIJ WHEN gives it a later end\n")
    #expect(try warning { $0.enabled = false }?.contains("keyward enable key_0123456789ABCDEFGHIJ") == true)
  }

  @Test("an export tells the limits of a key as they are given")
  func exportedLimits() throws {
    let key = try key {
      $0.rateLimit = try? RateLimit(count: 100, periodSeconds: 60, burst: 20)
      $0.useLimit = try? UseLimit(total: 1000, refill: .monthly)
    }
    #expect(CSVRow.header.hasSuffix(",etag,rate,uses\r\n"))
    #expect(CSVRow(KeyView(key, at: now)).text.hasSuffix(",7,\"100/1m,burst=20\",1000/monthly\r\n"))
  }

  @Test("details tell until when each old secret works, and that it ends with the key")
  func oldSecrets() throws {
    let output = KeyOutput(times: Times(now: now))
    let (soon, later) = (now.adding(seconds: 7200), now.adding(seconds: 3 * 86400))
    func view(_ formerEnds: [Instant], _ change: (inout Key) -> Void = { _ in }) throws -> KeyView {
      KeyView(try key(change), at: now, formerEnds: formerEnds)
    }
    func line(_ end: Instant, _ rest: String = "") -> String {
      "old secret    works until \(Times(now: now).full(end))\(rest)\n"
    }
    func card(_ view: KeyView) -> String { output.card(view).lines(Palette(isTerminal: false)) }
    #expect(try card(view([later, soon, now])).contains(line(soon) + line(later)))
    #expect(try !card(view([])).contains("old secret"))
    let expiring = try view([soon, later]) { $0.expireTime = later.adding(seconds: -1) }
    #expect(card(expiring).contains(line(soon) + line(later.adding(seconds: -1), ", expiring with the key")))
    let revoked = card(try view([later]) { $0.revokeTime = soon })
    #expect(revoked.contains("works until \(Times(now: now).full(soon)), revoked with the key\n"))
    #expect(try !card(view([later]) { $0.expireTime = now }).contains("old secret"))

    func rotated(_ view: KeyView) -> String { output.rotatedCard(view).lines(Palette(isTerminal: false)) }
    #expect(try rotated(view([soon])).hasSuffix("old secret  works until \(Times(now: now).full(soon))\n"))
    #expect(try rotated(view([])).hasSuffix("old secret  works no more\n"))
  }

  @Test("the audit says what became what")
  func auditDetails() throws {
    let output = AuditOutput(times: Times(now: now))
    func details(
      _ type: ChangeType, graceEnd: Instant? = nil, _ change: (inout Key) -> Void
    ) throws -> [String] {
      let event = AuditEvent(
        revision: 8, type: type, time: now, keyID: try key().id, actor: Actor(uid: 0, user: "root", pid: 1),
        before: try key(), after: try key(change), graceEnd: graceEnd)
      return output.details(AuditEventView(event, .oneMonth))
    }
    #expect(try details(.updated) { $0.name = KeyName(checked: "new") } == ["was \"mailer\""])
    #expect(try details(.disabled) { $0.enabled = false } == [])
    let both = try details(.updated) {
      $0.enabled = false
      $0.expireTime = now
    }
    #expect(both == ["expires \(Times(now: now).absolute(now)), was never", "disabled"])
    let revoked = try details(.revoked) {
      $0.revokeTime = now
      $0.revokeReason = "leaked"
    }
    #expect(revoked == ["\"leaked\""])
    let later = now.adding(seconds: 60)
    let hints = "kw_mail_…c3D4, was kw_mail_…a1B2"
    let graced = try details(.rotated, graceEnd: later) { $0.hint = "kw_mail_…c3D4" }
    #expect(graced == [hints, "old secret good until \(Times(now: now).absolute(later))"])
    #expect(try details(.rotated, graceEnd: now) { $0.hint = "kw_mail_…c3D4" } == [hints, "old secret stopped"])
  }
}

@Suite("nearest")
struct NearestTests {
  private let names = ["Web chat", "Web chat 2", "Mail gateway", "Büro", "x"]

  @Test(
    "what is like the given word, the nearest first",
    arguments: [
      ("web chat", ["Web chat"]), ("Web chat 1", ["Web chat 2", "Web chat"]), ("web", ["Web chat", "Web chat 2"]),
      ("Web caht", ["Web chat"]), ("gateway", ["Mail gateway"]),
      ("Buro", ["Büro"]), ("y", ["x"]), ("", []), ("nothing like it", []),
      (String(repeating: "x", count: 100_000), []),
    ] as [(String, [String])])
  func found(_ given: String, _ expected: [String]) {
    #expect(nearest(to: given, among: names) == expected)
  }

  @Test("no more than three")
  func three() {
    #expect(nearest(to: "key", among: (0..<9).map { "key\($0)" }) == ["key0", "key1", "key2"])
  }
}
