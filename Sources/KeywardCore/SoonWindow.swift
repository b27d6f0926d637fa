/// How long before its end a key counts as soon unavailable.
public struct SoonWindow: Sendable, Equatable {
  /// Calendar months, counted in UTC.
  public let months: Int
  /// Days of 24 hours, after the months.
  public let days: Int

  public static let oneMonth = SoonWindow(months: 1, days: 0)

  public init(months: Int, days: Int) {
    self.months = months
    self.days = days
  }

  /// Whatever ends by then is soon unavailable.
  public func end(from now: Instant) -> Instant { now.adding(months: months).adding(seconds: Int64(days) * 86400) }

  /// The first instant from which an end falls into the window.
  func start(of end: Instant) -> Instant {
    // Months differ in length, so the way back may fall short by some days; never too late by more than an hour.
    var start = end.adding(seconds: -Int64(days) * 86400).adding(months: -months)
    while self.end(from: start) < end { start = start.adding(seconds: 3600) }
    return start
  }
}
