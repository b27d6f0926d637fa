import KeywardCore
import TestSupport
import Testing

@Suite struct InstantTests {
  private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text), "\(text)") }

  @Test("A timestamp's seconds and nanoseconds, and what is out of range")
  func timestamp() {
    #expect(Instant(seconds: 1, nanoseconds: 999_999_999)?.microseconds == 1_999_999, "finer digits are dropped")
    #expect(Instant(seconds: 253_402_300_799, nanoseconds: 999_999_999) == .latest)
    #expect(Instant(seconds: 253_402_300_800) == nil)
    #expect(Instant(seconds: -1) == nil)
    #expect(Instant(seconds: 0, nanoseconds: -1) == nil)
    #expect(Instant(seconds: 0, nanoseconds: 1_000_000_000) == nil)
    #expect(Instant(seconds: .max) == nil)
  }

  @Test("Seconds are rounded down and nanoseconds are never negative, before 1970 too")
  func parts() {
    let instant = Instant(microseconds: -1)
    #expect(instant.seconds == -1)
    #expect(instant.nanoseconds == 999_999_000)
    #expect(Instant(microseconds: -1_000_000).seconds == -1)
    #expect(Instant(microseconds: -1_000_000).nanoseconds == 0)
    #expect(!instant.isRepresentable)
    #expect(Instant.epoch.isRepresentable && Instant.latest.isRepresentable)
    #expect(!Instant(microseconds: Instant.latest.microseconds + 1).isRepresentable)
  }

  @Test("Arithmetic at the ends of the range saturates instead of trapping")
  func saturation() {
    let (first, last) = (Instant(microseconds: .min), Instant(microseconds: .max))
    #expect(last.adding(seconds: 1) == last)
    #expect(first.adding(seconds: -1) == first)
    #expect(Instant.noon.adding(seconds: .max) == last)
    #expect(Instant.noon.adding(seconds: .min) == first)
    #expect(last.adding(months: 1) == last)
    #expect(first.adding(months: -1) == first)
    #expect(Instant.noon.adding(months: .max) == last)
    #expect(Instant.noon.adding(months: .min) < first.adding(seconds: 86400))
    #expect(first.seconds == -9_223_372_036_855)
    #expect((0..<1_000_000_000).contains(first.nanoseconds))
    #expect(!first.description.isEmpty && !last.description.isEmpty)
    #expect(CivilDate(year: 1_000_000, month: 1, day: 1)?.instant == last)
    #expect(CivilDate(year: .max, month: 1, day: 1) == nil)
  }

  @Test(
    "A calendar month later, at the same time of day",
    arguments: [
      ("2027-01-31T10:20:30.5Z", 1, "2027-02-28T10:20:30.500Z"), ("2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z"),
      ("2027-12-15T23:59:59.999999Z", 1, "2028-01-15T23:59:59.999999Z"),
      ("2027-03-31T00:00:00Z", -1, "2027-02-28T00:00:00Z"), ("2028-02-29T00:00:00Z", 12, "2029-02-28T00:00:00Z"),
      ("2027-01-15T12:00:00Z", 0, "2027-01-15T12:00:00Z"), ("1969-12-31T23:00:00Z", 2, "1970-02-28T23:00:00Z"),
      ("2027-05-31T01:00:00Z", 13, "2028-06-30T01:00:00Z"),
    ])
  func months(_ start: String, _ months: Int, _ end: String) throws {
    #expect(try at(start).adding(months: months).description == end)
  }
}

@Suite struct CivilDateTests {
  @Test("Every day from 1890 to 2110 follows the one before, and comes back from its instant")
  func everyDay() throws {
    var expected = try #require(CivilDate(year: 1890, month: 1, day: 1))
    var instant = expected.instant
    for _ in 0..<80_353 {
      #expect(CivilDate(instant) == expected)
      #expect(expected.instant == instant)
      #expect(CivilDate(instant.adding(seconds: 86399)) == expected)
      let next =
        CivilDate(year: expected.year, month: expected.month, day: expected.day + 1)
        ?? CivilDate(year: expected.year, month: expected.month + 1, day: 1)
        ?? CivilDate(year: expected.year + 1, month: 1, day: 1)
      expected = try #require(next)
      instant = instant.adding(seconds: 86400)
    }
  }

  @Test("Known days", arguments: [(1970, 1, 1, 0), (2000, 3, 1, 11017), (1969, 12, 31, -1), (9999, 12, 31, 2_932_896)])
  func knownDays(_ year: Int, _ month: Int, _ day: Int, _ days: Int64) throws {
    let date = try #require(CivilDate(year: year, month: month, day: day))
    #expect(date.instant.seconds == days * 86400)
  }

  @Test(
    "Dates that are not there",
    arguments: [(2027, 2, 29), (2100, 2, 29), (2027, 4, 31), (2027, 13, 1), (2027, 0, 1), (2027, 1, 0), (2027, 1, 32)])
  func noSuchDate(_ year: Int, _ month: Int, _ day: Int) {
    #expect(CivilDate(year: year, month: month, day: day) == nil)
  }

  @Test("Leap days", arguments: [2000, 2028, 2400])
  func leapDay(_ year: Int) {
    #expect(CivilDate(year: year, month: 2, day: 29) != nil)
  }

  @Test("Months are counted over year ends, both ways")
  func months() throws {
    let date = try #require(CivilDate(year: 2027, month: 1, day: 31))
    #expect(date.adding(months: -1) == CivilDate(year: 2026, month: 12, day: 31))
    #expect(date.adding(months: -2) == CivilDate(year: 2026, month: 11, day: 30))
    #expect(date.adding(months: 25) == CivilDate(year: 2029, month: 2, day: 28))
    #expect(date.adding(months: -2027 * 12 - 1) == CivilDate(year: -1, month: 12, day: 31))
  }
}
