/// Which keys were used since the last flush, and when. A validation that finds the key valid costs it one comparison
/// and one store.
struct UseLog {
  /// Microseconds, by row; 0 for what was not used since.
  private var latest: [Int64] = []
  private var used: [UInt32] = []

  var isEmpty: Bool { used.isEmpty }

  mutating func record(_ row: Int, at now: Instant) {
    if row >= latest.count { latest.append(contentsOf: repeatElement(0, count: row + 1 - latest.count)) }
    if latest[row] == 0 { used.append(UInt32(row)) }
    latest[row] = max(latest[row], now.microseconds)
  }

  /// When a row was used last since the last flush; nil where it was not.
  func latest(of row: Int) -> Instant? {
    row < latest.count && latest[row] != 0 ? Instant(microseconds: latest[row]) : nil
  }

  /// Takes out up to `limit` rows.
  mutating func take(limit: Int) -> [(row: Int, instant: Instant)] {
    let rows = used.suffix(limit)
    used.removeLast(rows.count)
    return rows.map { row in
      defer { latest[Int(row)] = 0 }
      return (Int(row), Instant(microseconds: latest[Int(row)]))
    }
  }
}
