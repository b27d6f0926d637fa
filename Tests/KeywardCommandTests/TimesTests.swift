import KeywardCore
import Testing

@testable import keyward

extension ProcessWideTests {
  @Suite("Times")
  struct TimesTests {
    private let times = Times(now: Instant(microseconds: 1_800_000_000_000_000))

    @Test(
      "a time is told in the largest unit of which there are two",
      arguments: [
        (0, "now"), (1, "in 1 second"), (-1, "1 second ago"), (89, "in 89 seconds"), (90, "in 2 minutes"),
        (-7200, "2 hours ago"), (90 * 86400, "in 3 months"), (90 * 86400 - 1, "in 3 months"),
        (45 * 86400, "in 45 days"),
        (365 * 86400, "in 12 months"), (-730 * 86400, "2 years ago"), (36 * 3600, "in 2 days"),
      ])
    func relative(_ seconds: Int, _ expected: String) {
      #expect(times.relative(times.now.adding(seconds: Int64(seconds))) == expected)
    }

    @Test("the ends of time are told without a trap")
    func extremes() {
      #expect(times.relative(.latest).hasPrefix("in "))
      #expect(times.relative(.epoch).hasSuffix(" ago"))
      #expect(!times.full(.latest).isEmpty)
    }
  }
}
