/// Uses of several keys tried out on copies of their meters: ``MeterTable/keep(_:)`` makes them, all at once.
struct MeterTrial {
  private(set) var meters: [Int: Meter] = [:]
  /// Whether what the store has not reserved is taken for reserved, to learn how much it has to.
  let isReserved: Bool

  init(asIfReserved isReserved: Bool = false) {
    self.isReserved = isReserved
  }

  /// Takes one use, after those that were tried before.
  mutating func take(_ row: Int, of table: borrowing MeterTable, at now: Instant) -> Admission {
    guard var meter = meters[row] ?? table[row] else { return .granted }
    defer { meters[row] = meter }
    return meter.take(at: now, asIfReserved: isReserved)
  }
}
