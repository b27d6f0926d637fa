import Synchronization

/// Totals of uses, and what the store knows of them.
///
/// A validation grants what the store has reserved, and never waits for it. Long before that is used up, the next block
/// is reserved; where that comes too late, uses are refused for the moment. After a crash whatever was reserved counts
/// as used.
extension Registry {
  /// Has something called, from any thread and within a validation, when ``reserveUses(at:limit:)`` is to be called
  /// soon, until it tells that no more wait.
  public func whenUsesRunLow(_ body: @escaping @Sendable () -> Void) {
    runLowHandler.withLock { $0 = body }
  }

  /// Reserves uses for keys that run low, those that have waited longest first. One caller at a time, together with
  /// ``commit(_:at:limit:)``.
  /// - Parameter limit: how many keys at most, so that changes need not wait long.
  /// - Returns: whether more wait.
  /// - Throws: where the store takes no changes; the next call asks again.
  @discardableResult
  public func reserveUses(at instant: Instant, limit: Int = 1000) throws(StoreError) -> Bool {
    let now = judged(instant)
    let reservations = index.withLock { $0.takeReservations(at: now, limit: limit) }
    guard !reservations.isEmpty else { return index.withLock { $0.hasReservations } }
    do throws(StoreError) {
      try store.reserve(reservations)
    } catch {
      index.withLock { $0.returnReservations(reservations) }
      throw error
    }
    return index.withLock { index in
      for reservation in reservations { index.adopt(reservation) }
      return index.hasReservations
    }
  }

  /// Reserves uses for keys that were just given a total, so that they can be used at once. What a failing store or a
  /// great number leaves is reserved later.
  func reserveNewUses(at now: Instant) {
    _ = try? reserveUses(at: now)
    if index.withLock({ $0.takeReservationCall() }) { runLowHandler.withLock { $0 }?() }
  }

  /// Grants no more uses of keys with totals, and has the store know how many there were, so that the next start loses
  /// none. The last call of all. One caller at a time, as above.
  /// - Parameters:
  ///   - limit: how many keys go in one transaction.
  ///   - goesOn: asked between transactions. Where it says no, keys are left as after a crash.
  public func settleUses(limit: Int = 1000, while goesOn: () -> Bool = { true }) throws(StoreError) {
    let reservations = index.withLock { $0.closeMeters() }
    var rest = reservations[...]
    while !rest.isEmpty {
      try store.reserve(Array(rest.prefix(limit)))
      rest = rest.dropFirst(limit)
      guard goesOn() else { return }
    }
  }
}
