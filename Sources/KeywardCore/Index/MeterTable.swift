/// The meters of the keys that have limits, by row.
struct MeterTable: ~Copyable {
  private var meters = RowMap<Meter>()
  /// Rows for which more uses are to be reserved before they are needed, the first first.
  private var waiting = ChunkedQueue<Int>()
  private var wasCalled = false

  /// Makes, changes or drops a meter, as the key has it.
  mutating func set(_ row: Int, _ key: Key) {
    guard key.isLimited else { return remove(row) }
    if meters[row] == nil { meters[row] = Meter(key) } else { update(row) { $0.change(to: key) } }
  }

  mutating func remove(_ row: Int) {
    meters[row] = nil
  }

  /// A row's meter as it stands.
  subscript(row: Int) -> Meter? { meters[row] }

  /// Takes one use, and asks for more where that leaves few.
  mutating func take(_ row: Int, at now: Instant) -> Admission {
    let taken = meters.update(row) { meter in
      let admission = meter.take(at: now)
      return (admission, asks: admission == .granted && meter.asksOnce())
    }
    guard let (admission, asks) = taken else { return .granted }
    if asks { waiting.append(row) }
    return admission
  }

  /// Makes the uses of a trial, as ``take(_:at:)`` would have.
  mutating func keep(_ trial: MeterTrial) {
    for (row, tried) in trial.meters {
      let asks = meters.update(row) { meter in
        meter = tried
        return meter.asksOnce()
      }
      if asks ?? false { waiting.append(row) }
    }
  }

  /// Changes a meter in its place.
  mutating func update(_ row: Int, _ change: (inout Meter) -> Void) {
    _ = meters.update(row) { change(&$0) }
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
        // Where the store does not take it, nothing is asked for again until it has taken some: uses then wait for it.
        meter.hasAsked = reservation != nil
        return reservation
      }
      if let reservation = reservation ?? nil { reservations.append(reservation) }
    }
    return reservations
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
