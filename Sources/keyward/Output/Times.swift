import Glibc
import KeywardCore

/// What local clocks show in one second.
struct LocalTime {
  private var fields: tm

  /// - Parameter second: since the epoch.
  /// - Returns: nil where the year is past what the system can say.
  init?(second: Int) {
    var second = time_t(second)
    fields = tm()
    guard localtime_r(&second, &fields) != nil else { return nil }
  }

  var year: Int { Int(fields.tm_year) + 1900 }
  /// 1 to 12.
  var month: Int { Int(fields.tm_mon) + 1 }
  var day: Int { Int(fields.tm_mday) }

  /// `2027-02-01 00:00:00 CET`.
  var text: String {
    var fields = fields
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let start = buffer.baseAddress,
        strftime(start, buffer.count, "%Y-%m-%d %H:%M:%S %Z", &fields) > 0
      else { return "" }
      return String(cString: start)
    }
  }
}

/// Instants as a person reads them.
struct Times {
  let now: Instant

  init(now: Instant = .now) {
    self.now = now
  }

  /// `2027-02-01 00:00:00 CET (in 3 months)`.
  func full(_ instant: Instant) -> String {
    "\(absolute(instant)) (\(relative(instant)))"
  }

  /// `2027-02-01 00:00:00 CET`.
  func absolute(_ instant: Instant) -> String {
    LocalTime(second: Int(instant.seconds))?.text ?? instant.description
  }

  /// `in 3 months`, `2 hours ago`, `now`: in the largest unit of which there are two or more, to the nearest one.
  func relative(_ instant: Instant) -> String {
    let seconds = Int(instant.seconds) - Int(now.seconds)
    let distance = abs(seconds)
    guard distance > 0 else { return "now" }
    let (unit, length) = Self.units.first { distance >= $0.length + ($0.length + 1) / 2 } ?? ("second", 1)
    let count = (distance + length / 2) / length
    let words = "\(count) \(unit)\(count == 1 ? "" : "s")"
    return seconds > 0 ? "in \(words)" : "\(words) ago"
  }

  /// The months and years of the calendar's average.
  private static let units: [(name: String, length: Int)] = [
    ("year", 31_556_952), ("month", 2_629_746), ("day", 86400), ("hour", 3600), ("minute", 60),
  ]
}

extension Instant {
  /// What the system's clock shows.
  static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
