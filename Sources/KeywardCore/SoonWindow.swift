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
  ///
  /// On a day that the month to come does not have, that month's last day counts to its end. So this never goes back
  /// as `now` goes on, and what is soon unavailable once stays so: a month from 29 January, 23:00, ends on 28 February
  /// at 23:00, and one from 30 January, 01:00, not before that.
  public func end(from now: Instant) -> Instant {
    let date = CivilDate(now)
    let target = date.adding(months: months)
    let end =
      target.day == date.day
      ? now.adding(months: months)
      : Instant(microseconds: target.instant.adding(seconds: 86400).microseconds - 1)
    return end.adding(seconds: Int64(days) * 86400)
  }

  /// The first instant from which an end falls into the window: the earliest whose ``end(from:)`` is not before it.
  public func start(of end: Instant) -> Instant {
    let end = end.adding(seconds: -Int64(days) * 86400)
    let date = CivilDate(end)
    let target = date.adding(months: -months)
    if target.day == date.day { return end.adding(months: -months) }
    // No day of that month leads so far; the next day's does, and leads into the month after.
    return target.instant.adding(seconds: 86400)
  }
}
