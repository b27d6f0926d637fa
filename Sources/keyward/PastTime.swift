import KeywardCore

/// A time that has been, as a person says it.
struct PastTime: Equatable {
  /// A span counts back from now.
  private let given: Expiry

  /// - Throws: ``ExpiryError`` for what has none of the forms, or no meaning.
  init(_ text: String) throws(ExpiryError) {
    guard let given = try? Expiry(text), given != .never else {
      throw ExpiryError(
        "is no time: give a date (2027-01-31, local time), an instant (2027-01-31T17:00:00+01:00), "
          + "or a span ago (7d; also s, m, h, w, mo for months, y)")
    }
    self.given = given
  }

  /// The first instant meant: of a date its beginning.
  /// - Throws: ``ExpiryError`` where that is not in the years 1970 to 9999.
  func start(now: Instant) throws(ExpiryError) -> Instant {
    if case .endOf(let date) = given {
      return try checked(try Expiry.endOf(CivilDate(date.instant.adding(seconds: -86400))).instant(now: now))
    }
    return try end(now: now)
  }

  /// The instant meant; of a date its end.
  /// - Throws: ``ExpiryError`` where that is not in the years 1970 to 9999.
  func end(now: Instant) throws(ExpiryError) -> Instant {
    switch given {
    case .never, .endOf, .at: try checked(try given.instant(now: now))
    case .seconds(let count): try checked(now.adding(seconds: -count))
    case .months(let count): try checked(now.adding(months: -count))
    }
  }

  private func checked(_ instant: Instant?) throws(ExpiryError) -> Instant {
    guard let instant, instant.isRepresentable else { throw ExpiryError("is not in the years 1970 to 9999") }
    return instant
  }
}
