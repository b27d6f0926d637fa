/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Peers may speak of the years 1970 to 9999 (``isRepresentable``); arithmetic saturates, so no input can trap.
public struct Instant: Hashable, Comparable, Sendable {
  public let microseconds: Int64

  @inlinable
  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  @inlinable
  public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }

  public static let epoch = Instant(microseconds: 0)

  /// Later than every other: the end of what has none.
  public static let distantFuture = Instant(microseconds: .max)

  /// The last microsecond of the year 9999, the latest that `google.protobuf.Timestamp` can say.
  public static let latest = Instant(microseconds: 253_402_300_799_999_999)

  /// Whether a peer may name this instant: from 1970 to 9999.
  public var isRepresentable: Bool { self >= .epoch && self <= .latest }

  /// - Parameters:
  ///   - seconds: whole seconds since the epoch.
  ///   - nanoseconds: 0 to 999,999,999; what is finer than a microsecond is dropped.
  /// - Returns: nil outside the years 1970 to 9999, or where `nanoseconds` is out of range.
  public init?(seconds: Int64, nanoseconds: Int32 = 0) {
    guard (0...253_402_300_799).contains(seconds), (0...999_999_999).contains(nanoseconds) else { return nil }
    self.init(microseconds: seconds * 1_000_000 + Int64(nanoseconds / 1000))
  }

  /// Whole seconds since the epoch, rounded down.
  public var seconds: Int64 {
    microseconds / Self.perSecond - (microseconds % Self.perSecond < 0 ? 1 : 0)
  }

  /// Nanoseconds past ``seconds``: 0 to 999,999,000.
  public var nanoseconds: Int32 {
    let rest = microseconds % Self.perSecond
    return Int32((rest < 0 ? rest + Self.perSecond : rest) * 1000)
  }

  /// This instant and so many seconds more.
  public func adding(seconds: Int64) -> Instant {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: Self.perSecond)
    return overflow ? Instant(microseconds: seconds > 0 ? .max : .min) : adding(microseconds: product)
  }

  /// The same time of day so many calendar months later in UTC, or on that month's last day where it is shorter:
  /// one month after 31 January is 28 or 29 February.
  public func adding(months: Int) -> Instant {
    let date = CivilDate(self)
    let sinceMidnight = microseconds - date.instant.microseconds
    return date.adding(months: months).instant.adding(microseconds: sinceMidnight)
  }

  func adding(microseconds more: Int64) -> Instant {
    let (sum, overflow) = microseconds.addingReportingOverflow(more)
    return Instant(microseconds: overflow ? (more > 0 ? .max : .min) : sum)
  }

  /// The instant as it is judged at `now`: one that has just passed is what somebody took for now, by a clock or on a
  /// way that differs a little.
  func orNow(at now: Instant) -> Instant { self < now && adding(seconds: 5) >= now ? now : self }

  private static let perSecond: Int64 = 1_000_000
}
