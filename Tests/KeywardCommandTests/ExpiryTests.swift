import Glibc
import KeywardCore
import Testing

@testable import keyward

extension ProcessWideTests {
  @Suite("Expiry")
  struct ExpiryTests {
    // As POSIX writes zones, which needs no zone files. Clocks change on the last Sundays of March and October.
    private static let berlin = "CET-1CEST,M3.5.0,M10.5.0/3"
    // Clocks go from 24:00 to 01:00 on the last Friday of April.
    private static let cairo = "EET-2EEST,M4.5.5/0,M10.5.4/24"
    // Clocks go from 01:00 to 00:00 on the first Sunday of November.
    private static let havana = "CST5CDT,M3.2.0/0,M11.1.0/1"

    private let now = Instant(rfc3339: "2026-03-01T12:00:00Z") ?? .epoch

    private func instant(_ text: String, zone: String = Self.berlin) throws -> String? {
      setenv("TZ", zone, 1)
      tzset()
      return try Expiry(text).instant(now: now)?.description
    }

    @Test("a date means its end: the first instant of the next local day")
    func dateMeansItsEnd() throws {
      #expect(try instant("2027-01-31") == "2027-01-31T23:00:00Z")
      #expect(try instant("2026-12-31") == "2026-12-31T23:00:00Z")
      #expect(try instant("2028-02-29") == "2028-02-29T23:00:00Z")
    }

    @Test("on the days that clocks change the end of the date is 23 or 25 hours after its beginning")
    func daylightSaving() throws {
      #expect(try instant("2026-03-28") == "2026-03-28T23:00:00Z")
      #expect(try instant("2026-03-29") == "2026-03-29T22:00:00Z")
      #expect(try instant("2026-10-24") == "2026-10-24T22:00:00Z")
      #expect(try instant("2026-10-25") == "2026-10-25T23:00:00Z")
    }

    @Test("where midnight does not exist the date ends when clocks jump over it")
    func midnightSkipped() throws {
      #expect(try instant("2027-04-29", zone: Self.cairo) == "2027-04-29T22:00:00Z")
    }

    @Test("where midnight comes twice the date ends with the first of them")
    func midnightTwice() throws {
      #expect(try instant("2027-11-06", zone: Self.havana) == "2027-11-07T04:00:00Z")
    }

    @Test(
      "a date that a zone skipped whole ends when the one before it does",
      .enabled(if: access("/usr/share/zoneinfo/Pacific/Apia", R_OK) == 0))
    func dateSkipped() throws {
      // Samoa went from Thursday 29 December 2011 to Saturday.
      #expect(try instant("2011-12-29", zone: "Pacific/Apia") == "2011-12-30T10:00:00Z")
      #expect(try instant("2011-12-30", zone: "Pacific/Apia") == "2011-12-30T10:00:00Z")
    }

    @Test("the last date of all has an end only where it ends in time")
    func lastDate() throws {
      #expect(try instant("9999-12-31") == "9999-12-31T23:00:00Z")
      #expect(throws: ExpiryError.endsTooLate) { try instant("9999-12-31", zone: "UTC") }
      #expect(throws: ExpiryError.outOfRange) { try instant("1960-01-01") }
    }

    @Test("an RFC 3339 instant means itself")
    func instantMeansItself() throws {
      #expect(try instant("2027-01-31T17:00:00+01:00") == "2027-01-31T16:00:00Z")
      #expect(try instant("2027-01-31t17:00:00.25z") == "2027-01-31T17:00:00.250Z")
    }

    @Test(
      "a span counts from now",
      arguments: [
        ("30s", "2026-03-01T12:00:30Z"), ("5m", "2026-03-01T12:05:00Z"), ("2h", "2026-03-01T14:00:00Z"),
        ("90d", "2026-05-30T12:00:00Z"), ("2w", "2026-03-15T12:00:00Z"), ("1mo", "2026-04-01T12:00:00Z"),
        ("1y", "2027-03-01T12:00:00Z"),
      ])
    func spans(_ text: String, _ expected: String) throws {
      #expect(try instant(text) == expected)
    }

    @Test func neverIsNoInstant() throws {
      #expect(try instant("never") == nil)
    }

    @Test(
      "a date that the calendar does not have is refused",
      arguments: [
        "2027-02-30", "2027-02-29", "2027-13-01", "2027-00-10", "2027-04-31", "2027-01-00", "2027-02-30T00:00:00Z",
      ])
    func nonsenseDates(_ text: String) {
      #expect(throws: ExpiryError("is no date of the calendar: there is no such day")) { try Expiry(text) }
    }

    @Test(
      "what has no form that is known is refused with the forms that are",
      arguments: [
        "", " ", "tomorrow", "90", "d", "90 d", "90D", "1.5d", "-5d", "+5d", "5M", "5months", "2027-1-31",
        "2027-01-31 ",
        "2027-01-31T17:00", "2027-01-31T17:00:00", "Never", "1y6mo", "٣d", "2027-01-3١",
      ])
    func unknownForms(_ text: String) {
      #expect(throws: ExpiryError.noTime) { try Expiry(text) }
    }

    @Test("a time that has passed is told in local time, by the option's name, and one that has just passed is not")
    func passed() throws {
      setenv("TZ", Self.berlin, 1)
      tzset()
      let error = try #require(
        #expect(throws: CommandFailure.self) {
          try Expiry("2026-02-27").instant(now: now, of: "--expires", else: "give a later time, or never")
        })
      #expect(
        error.message
          == "--expires 2026-02-28 00:00:00 CET (2 days ago) has passed: give a later time, or never")
      let recent = try Expiry("2026-03-01T12:59:56+01:00").instant(now: now, of: "--at", else: "")
      #expect(recent == now.adding(seconds: -4))
    }

    @Test("a span of nothing is now, which needs no instant")
    func nothing() throws {
      for text in ["0s", "0d", "0mo"] { #expect(try Expiry(text).laterInstant(now: now, of: "--at", else: "") == nil) }
      #expect(try Expiry("1s").laterInstant(now: now, of: "--at", else: "") == now.adding(seconds: 1))
    }

    @Test(
      "no number is so large that it traps",
      arguments: [
        "999999999999s", "9223372036854775807s", "9223372036854775808s", "99999999999999999999999999y", "999999999999w",
        "999999mo", "999999y", "9223372036854775807mo", "120000y", "9999-12-31T23:59:59-23:59",
      ])
    func overflow(_ text: String) {
      #expect(throws: ExpiryError("is not in the years 1970 to 9999")) { try instant(text) }
    }
  }
}
