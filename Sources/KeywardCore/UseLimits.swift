/// How often a key may be used: so many times a period sustained, and so many at once.
public struct RateLimit: Sendable, Hashable {
  /// Uses in each period, 1 to ``maxCount`` and at most ``maxPerSecond`` a second.
  public let count: Int64
  /// 1 to ``maxPeriodSeconds``.
  public let periodSeconds: Int64
  /// Uses at once after a pause, 1 to ``count``.
  public let burst: Int64

  public static let maxCount: Int64 = 1_000_000_000
  public static let maxPeriodSeconds: Int64 = 366 * 86400
  /// Beyond this an interval between uses could not be told apart from its neighbours.
  public static let maxPerSecond: Int64 = 10_000

  /// - Parameter burst: nil for as many as come in a period.
  /// - Throws: ``DomainError/invalid(field:_:)`` outside the ranges.
  public init(count: Int64, periodSeconds: Int64, burst: Int64? = nil) throws(DomainError) {
    guard (1...Self.maxPeriodSeconds).contains(periodSeconds) else {
      throw .invalid(field: "rate_limit.period", "is \(periodSeconds) seconds: give 1 second to 366 days")
    }
    guard (1...Self.maxCount).contains(count), count <= periodSeconds * Self.maxPerSecond else {
      let most = min(Self.maxCount, periodSeconds * Self.maxPerSecond)
      throw .invalid(
        field: "rate_limit.count", "is \(count): give 1 to \(most) for a period of \(periodSeconds) seconds")
    }
    guard (1...count).contains(burst ?? count) else {
      throw .invalid(field: "rate_limit.burst", "is \(burst ?? count): give 1 to the count, \(count)")
    }
    self.count = count
    self.periodSeconds = periodSeconds
    self.burst = burst ?? count
  }
}

/// How many times a key may be used in all, or until the count starts anew.
public struct UseLimit: Sendable, Hashable {
  /// When the count starts anew.
  public enum Refill: UInt8, Sendable, CaseIterable {
    case never = 1
    /// At each midnight, UTC.
    case daily = 2
    /// At the midnight, UTC, with which a calendar month begins.
    case monthly = 3

    public var name: String {
      switch self {
      case .never: "never"
      case .daily: "daily"
      case .monthly: "monthly"
      }
    }
  }

  /// 1 to ``maxTotal``.
  public let total: Int64
  public let refill: Refill

  public static let maxTotal: Int64 = 1_000_000_000_000

  /// - Throws: ``DomainError/invalid(field:_:)`` outside that range.
  public init(total: Int64, refill: Refill = .never) throws(DomainError) {
    guard (1...Self.maxTotal).contains(total) else {
      throw .invalid(field: "use_limit.total", "is \(total): give 1 to \(Self.maxTotal)")
    }
    self.total = total
    self.refill = refill
  }

  /// How many uses are reserved at a time, and so lost at most by a crash besides those of the calls under way: a
  /// hundredth of the total, or for smaller ones up to a tenth and ten, and never more than 10,000. For a total up to
  /// ten that is one, which only a use under way is ever reserved for.
  var block: Int64 { min(10_000, max(total / 100, min(10, (total + 9) / 10))) }
}

/// What is left of a key's total.
public struct Usage: Sendable, Equatable {
  /// Uses that are left. 0 or more, and no more than the total.
  public let remaining: Int64
  /// When the count starts anew; nil for never.
  public let refillTime: Instant?

  public init(remaining: Int64, refillTime: Instant?) {
    self.remaining = remaining
    self.refillTime = refillTime
  }
}

extension UseLimit.Refill {
  /// The period that an instant is in: a later one has a higher number.
  func period(at instant: Instant) -> Int64 {
    switch self {
    case .never: return 0
    case .daily: return CivilDate(instant).instant.seconds / 86400
    case .monthly:
      let date = CivilDate(instant)
      return Int64(date.year * 12 + date.month - 1)
    }
  }

  /// The first instant after a period; nil where it has no end.
  func end(ofPeriod period: Int64) -> Instant? {
    switch self {
    case .never: nil
    case .daily: Instant.epoch.adding(seconds: (period + 1) * 86400)
    case .monthly:
      CivilDate(year: Int((period + 1) / 12), month: Int((period + 1) % 12) + 1, day: 1)?.instant
    }
  }
}

/// Uses that the store has been told of before they are granted, so that no crash can have them granted twice.
public struct UseReservation: Sendable, Equatable {
  public let key: KeyID
  /// What the period is one of.
  public let refill: UseLimit.Refill
  /// The period, as ``UseLimit/Refill`` numbers them.
  public let period: Int64
  /// Uses of the period that may have been granted.
  public let count: Int64
  /// Uses of any later period that may have been granted: not 0 only in what an earlier keyward has left.
  public let ahead: Int64

  public init(key: KeyID, refill: UseLimit.Refill, period: Int64, count: Int64, ahead: Int64 = 0) {
    self.key = key
    self.refill = refill
    self.period = period
    self.count = count
    self.ahead = ahead
  }
}
