/// The meters of the keys that have limits, by row.
struct MeterTable: ~Copyable {
  private var meters = RowMap<Meter>()
  /// Rows for which the store is to be told of more uses, the first first.
  private var waiting = ChunkedQueue<Int>()
  private var wasCalled = false

  /// Makes, changes or drops a meter, as the key has it.
  mutating func set(_ row: Int, _ key: Key) {
    guard key.isLimited else { return remove(row) }
    if meters[row] == nil { meters[row] = Meter(key) }
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
    let runsLow = meters.update(row) { meter in
      change(&meter)
      return meter.runsLow
    }
    if runsLow ?? false { ask(for: row) }
  }

  mutating func ask(for row: Int) {
    let isNew = meters.update(row) { meter in
      defer { meter.isWaiting = true }
      return !meter.isWaiting
    }
    if isNew ?? false { waiting.append(row) }
  }

  var hasWaiting: Bool { !waiting.isEmpty }

  /// True once for all rows that wait.
  mutating func takeCall() -> Bool {
    guard hasWaiting, !wasCalled else { return false }
    wasCalled = true
    return true
  }

  mutating func takeWaiting(
    limit: Int, _ make: (Int, inout Meter) -> UseReservation?
  ) -> [UseReservation] {
    let rows = waiting.take(limit)
    if !hasWaiting { wasCalled = false }
    var reservations: [UseReservation] = []
    for row in rows {
      let reservation = meters.update(row) { meter in
        let reservation = make(row, &meter)
        // Until the store has it, or has not, nothing more is asked for.
        meter.isWaiting = reservation != nil
        return reservation
      }
      if let reservation = reservation ?? nil { reservations.append(reservation) }
    }
    return reservations
  }

  /// The store could not do it. Nobody is called, for the next one would meet the same: whoever comes by tries again.
  mutating func putBack(_ row: Int) {
    guard meters.update(row, { $0.isWaiting = false }) != nil else { return }
    ask(for: row)
    wasCalled = true
  }

  mutating func closeAll(_ close: (Int, inout Meter) -> UseReservation?) -> [UseReservation] {
    waiting = ChunkedQueue()
    var reservations: [UseReservation] = []
    for row in meters.rows.sorted() {
      if let reservation = meters.update(row, { close(row, &$0) }) ?? nil { reservations.append(reservation) }
    }
    return reservations
  }
}
