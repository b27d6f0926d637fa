/// The meters of the keys that have limits, by row.
struct MeterTable {
  private var meters: [Int: Meter] = [:]
  /// Rows for which the store is to be told of more uses, the first first. Those before ``takenCount`` are taken out.
  private var waiting: [Int] = []
  private var takenCount = 0
  private var wasCalled = false

  /// Makes, changes or drops a meter, as the key has it.
  mutating func set(_ row: Int, _ key: Key) {
    guard key.isLimited else { return remove(row) }
    guard meters[row] != nil else {
      meters[row] = Meter(key)
      return update(row) { _ in }
    }
    update(row) { $0.change(to: key) }
  }

  mutating func remove(_ row: Int) {
    meters[row] = nil
  }

  mutating func take(_ row: Int, at now: Instant) -> Admission {
    var admission = Admission.granted
    update(row) { admission = $0.take(at: now) }
    return admission
  }

  /// Changes a meter in its place, and asks for more uses where it runs low.
  mutating func update(_ row: Int, _ change: (inout Meter) -> Void) {
    guard let index = meters.index(forKey: row) else { return }
    change(&meters.values[index])
    if meters.values[index].runsLow { ask(for: row) }
  }

  mutating func ask(for row: Int) {
    guard let index = meters.index(forKey: row), !meters.values[index].isWaiting else { return }
    meters.values[index].isWaiting = true
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
      // Until the store has it, or has not, nothing more is asked for.
      meters.values[index].isWaiting = reservation != nil
      return reservation
    }
  }

  /// The store could not do it. Nobody is called, for the next one would meet the same: whoever comes by tries again.
  mutating func putBack(_ row: Int) {
    guard let index = meters.index(forKey: row) else { return }
    meters.values[index].isWaiting = false
    ask(for: row)
    wasCalled = true
  }

  mutating func closeAll(_ close: (Int, inout Meter) -> UseReservation?) -> [UseReservation] {
    (waiting, takenCount) = ([], 0)
    return meters.keys.sorted().compactMap { row in
      guard let index = meters.index(forKey: row) else { return nil }
      return close(row, &meters.values[index])
    }
  }
}
