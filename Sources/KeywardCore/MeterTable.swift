/// The meters of the keys that have limits, by row.
struct MeterTable {
  private var meters: [Int: Meter] = [:]
  /// Rows for which more uses are to be reserved before they are needed, the first first. Those before ``takenCount``
  /// are taken out.
  private var waiting: [Int] = []
  private var takenCount = 0
  private var wasCalled = false

  /// Makes, changes or drops a meter, as the key has it.
  mutating func set(_ row: Int, _ key: Key) {
    guard key.isLimited else { return remove(row) }
    guard meters[row] != nil else {
      meters[row] = Meter(key)
      return
    }
    update(row) { $0.change(to: key) }
  }

  mutating func remove(_ row: Int) {
    meters[row] = nil
  }

  /// A row's meter as it stands.
  subscript(row: Int) -> Meter? { meters[row] }

  /// Takes one use, and asks for more where that leaves few.
  mutating func take(_ row: Int, at now: Instant) -> Admission {
    guard let index = meters.index(forKey: row) else { return .granted }
    let admission = meters.values[index].take(at: now)
    if admission == .granted, meters.values[index].runsLow { ask(for: row, at: index) }
    return admission
  }

  /// Makes the uses of a trial, as ``take(_:at:)`` would have.
  mutating func keep(_ trial: MeterTrial) {
    for (row, meter) in trial.meters {
      guard let index = meters.index(forKey: row) else { continue }
      meters.values[index] = meter
      if meter.runsLow { ask(for: row, at: index) }
    }
  }

  /// Changes a meter in its place.
  mutating func update(_ row: Int, _ change: (inout Meter) -> Void) {
    guard let index = meters.index(forKey: row) else { return }
    change(&meters.values[index])
  }

  private mutating func ask(for row: Int, at index: Dictionary<Int, Meter>.Index) {
    meters.values[index].hasAsked = true
    waiting.append(row)
  }

  var hasWaiting: Bool { takenCount < waiting.count }

  /// True once for all rows that wait.
  mutating func takeCall() -> Bool {
    guard hasWaiting, !wasCalled else { return false }
    wasCalled = true
    return true
  }

  mutating func takeWaiting(
    limit: Int, _ make: (Int, inout Meter) -> UseReservation?
  ) -> [UseReservation] {
    let rows = Array(waiting[takenCount...].prefix(limit))
    takenCount += rows.count
    if takenCount * 2 > waiting.count {
      waiting.removeFirst(takenCount)
      takenCount = 0
    }
    if !hasWaiting { wasCalled = false }
    return rows.compactMap { row in
      guard let index = meters.index(forKey: row) else { return nil }
      let reservation = make(row, &meters.values[index])
      // Where the store does not take it, nothing is asked for again until it has taken some: uses then wait for it.
      meters.values[index].hasAsked = reservation != nil
      return reservation
    }
  }

  mutating func closeAll(_ close: (Int, inout Meter) -> UseReservation?) -> [UseReservation] {
    (waiting, takenCount) = ([], 0)
    return meters.keys.sorted().compactMap { row in
      guard let index = meters.index(forKey: row) else { return nil }
      return close(row, &meters.values[index])
    }
  }
}
