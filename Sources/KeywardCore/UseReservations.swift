import Synchronization

/// Totals of uses, and what the store knows of them.
///
/// A validation grants what the store has reserved, and never waits for it. Long before that is used up, the next block
/// is reserved; where that comes too late, uses are refused for the moment. After a crash whatever was reserved counts
/// as used.
extension Registry {
  /// How many reservations go in one transaction, so that changes need not wait long.
  private static let reservationBatch = 1000

  /// Has something called, from any thread and within a validation, when ``reserveUses(at:)`` is to be called soon.
  public func whenUsesRunLow(_ body: @escaping @Sendable () -> Void) {
    runLowHandler.withLock { $0 = body }
  }

  /// Reserves uses for all keys that run low. One caller at a time, together with ``commit(_:at:)``.
  /// - Throws: where the store takes no changes; the next call asks again.
  public func reserveUses(at instant: Instant) throws(StoreError) {
    let now = judged(instant)
    while true {
      let reservations = index.withLock { $0.takeReservations(at: now, limit: Self.reservationBatch) }
      guard !reservations.isEmpty else { return }
      do throws(StoreError) {
        try store.reserve(reservations)
      } catch {
        index.withLock { $0.returnReservations(reservations) }
        throw error
      }
      index.withLock { index in
        for reservation in reservations { index.adopt(reservation) }
      }
    }
  }

  /// Grants no more uses of keys with totals, and has the store know how many there were, so that the next start loses
  /// none. The last call of all. One caller at a time, as above.
  public func settleUses() throws(StoreError) {
    let reservations = index.withLock { $0.closeMeters() }
    var rest = reservations[...]
    while !rest.isEmpty {
      try store.reserve(Array(rest.prefix(Self.reservationBatch)))
      rest = rest.dropFirst(Self.reservationBatch)
    }
  }
}
