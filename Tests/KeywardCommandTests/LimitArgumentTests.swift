import KeywardCore
import Testing

@testable import keyward

/// Limits as a person gives them.
@Suite struct LimitArgumentTests {
  @Test(
    arguments: [
      ("100/1m", 100, 60, 100, "100/1m"), ("100/m,burst=20", 100, 60, 20, "100/1m,burst=20"),
      ("5/36h", 5, 129_600, 5, "5/36h"), ("1/7d", 1, 604_800, 1, "1/1w"), ("10/90s,burst=10", 10, 90, 10, "10/90s"),
    ] as [(String, Int64, Int64, Int64, String)])
  func `A rate is read, and told in its shortest form`(
    text: String, count: Int64, period: Int64, burst: Int64, told: String
  ) throws {
    let limit = try #require(try LimitText.rate(text).limit)
    #expect(try limit == RateLimit(count: count, periodSeconds: period, burst: burst))
    #expect(LimitText.text(limit) == told)
    #expect(try LimitText.rate(told).limit == limit)
  }

  @Test(
    arguments: [
      ("7", 7, .never, "7"), ("7/never", 7, .never, "7"), ("1000/daily", 1000, .daily, "1000/daily"),
      ("1/monthly", 1, .monthly, "1/monthly"),
    ] as [(String, Int64, UseLimit.Refill, String)])
  func `A total is read, and told in its shortest form`(
    text: String, total: Int64, refill: UseLimit.Refill, told: String
  ) throws {
    let limit = try #require(try LimitText.uses(text).limit)
    #expect(try limit == UseLimit(total: total, refill: refill))
    #expect(LimitText.text(limit) == told)
  }

  @Test func `None lifts a limit`() throws {
    #expect(try LimitText.rate("none").limit == nil)
    #expect(try LimitText.uses("none").limit == nil)
  }

  @Test(arguments: [
    "", "100", "/1m", "100/", "100/1", "100/1mo", "-1/1m", "1/1m/1m", "1/1m,", "1/1m,20", "1/1m,burst=",
    "1/1m,burst=1,burst=1", "1/-1m", "1/99999999999999999999m", "9/9223372036854775807w",
  ])
  func `What is no rate is told the form`(text: String) {
    #expect(throws: LimitError.rate) { try LimitText.rate(text) }
  }

  @Test(arguments: ["", "x", "1/", "/daily", "1/weekly", "1/daily/daily", "+1", "1.5"])
  func `What is no total is told the form`(text: String) {
    #expect(throws: LimitError.uses) { try LimitText.uses(text) }
  }

  @Test func `What is out of range is told the range`() {
    #expect(throws: LimitError("rate_limit.burst is 6: give 1 to the count, 5")) { try LimitText.rate("5/1m,burst=6") }
    #expect(throws: LimitError("use_limit.total is 0: give 1 to 1000000000000")) { try LimitText.uses("0/daily") }
  }

  @Test func `What is left of a total is told with the midnight at which it is refilled`() throws {
    func view(_ total: Int64?, left: Int64, until refillTime: Instant? = nil) throws -> KeyView {
      let key = Key(
        id: try #require(KeyID("key_0123456789abcdefghij")), name: KeyName(checked: "k"), permission: .chat,
        enabled: true, expireTime: nil, hint: "", creator: "ann", createTime: .epoch, updater: "ann",
        updateTime: .epoch, revision: 1, useLimit: try total.map { try UseLimit(total: $0, refill: .monthly) })
      return KeyView(
        key: key, state: .active, availability: .available,
        usage: total == nil ? nil : Usage(remaining: left, refillTime: refillTime))
    }
    let december = try #require(Instant(rfc3339: "2026-12-01T00:00:00Z"))
    #expect(
      LimitText.left(try view(10, left: 3, until: december)) == "3 of 10 uses left, refilled 2026-12-01 00:00 UTC")
    #expect(LimitText.left(try view(1, left: 0)) == "0 of 1 use left")
    #expect(LimitText.left(try view(nil, left: 0)) == nil)
    #expect(LimitText.all(try view(10, left: 3)) == "10/monthly (3 left)")
    #expect(LimitText.all(try view(nil, left: 0)).isEmpty)
  }
}
