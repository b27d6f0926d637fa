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
    microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
  }

  /// Nanoseconds past ``seconds``: 0 to 999,999,000.
  public var nanoseconds: Int32 { Int32((microseconds - seconds * 1_000_000) * 1000) }

  /// This instant and so many seconds more.
  public func adding(seconds: Int64) -> Instant {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, overflow2) = microseconds.addingReportingOverflow(product)
    guard overflow || overflow2 else { return Instant(microseconds: sum) }
    return Instant(microseconds: seconds > 0 ? .max : .min)
  }

  /// The same time of day so many calendar months later in UTC, or on that month's last day where it is shorter:
  /// one month after 31 January is 28 or 29 February.
  public func adding(months: Int) -> Instant {
    let secondsOfDay = seconds - CivilDate(self).instant.seconds
    let day = CivilDate(self).adding(months: months).instant.adding(seconds: secondsOfDay)
    return Instant(microseconds: day.microseconds + Int64(nanoseconds / 1000))
  }
}
