import Synchronization

/// Totals of uses, and what the store knows of them.
///
/// A validation grants what the store has reserved. One that needs more waits until the store has reserved it; where
/// keys are used much, the next block is reserved before any has to. After a crash whatever was reserved counts as used.
extension Registry {
  /// Has something called, from any thread and within a validation, when ``reserveUses(at:limit:)`` is to be called
  /// soon, until it tells that no more wait.
  public func whenUsesRunLow(_ body: @escaping @Sendable () -> Void) {
    runLowHandler.withLock { $0 = Hook(body) }
  }

  /// Reserves uses before they are needed for keys that run low, those that have waited longest first. What the store
  /// does not take is not asked for again: who needs it waits for it. One caller at a time, together with
  /// ``commit(_:at:limit:)``.
  /// - Parameter limit: how many keys at most, so that changes need not wait long.
  /// - Returns: whether more wait.
  @discardableResult
  public func reserveUses(at instant: Instant, limit: Int = 1000) -> Bool {
    let now = judged(instant)
    let reservations = index.withLock { $0.takeReservations(at: now, limit: limit) }
    let hasReserved = !reservations.isEmpty && (try? store.reserve(reservations)) != nil
    return index.withLock { index in
      if hasReserved { for reservation in reservations { index.adopt(reservation) } }
      return index.hasReservations
    }
  }

  /// Has the store reserve what calls need that wait for it, all in one transaction. One caller at a time, as above.
  /// - Parameter waiting: the questions of each call, of which nothing was used.
  /// - Returns: what it has reserved, for ``judge(_:with:at:)``.
  public func reserve(
    for waiting: [[Question]], at instant: Instant
  ) throws(StoreError) -> [UseReservation] {
    let now = judged(instant)
    let reservations = index.withLock { $0.reservations(for: waiting.joined(), at: now) }
    if !reservations.isEmpty { try store.reserve(reservations) }
    return reservations
  }

  /// Judges calls that have waited, one after the other, with what was reserved for them: nobody else comes between.
  /// - Returns: the verdicts of each; nil for one that has to wait on, of which nothing is used.
  public func judge(
    _ waiting: [[Question]], with reservations: [UseReservation], at instant: Instant
  ) -> [[Validation]?] {
    let now = judged(instant)
    let (results, runsLow) = index.withLock { index in
      for reservation in reservations { index.adopt(reservation) }
      let results = waiting.map { index.use($0, at: now) }
      return (results, index.takeReservationCall())
    }
    if runsLow { runLowHandler.withLock { $0 }?() }
    return results
  }

  /// What is left of the total of each key; nil for one that has none.
  func usages(of keys: [Key], at instant: Instant) -> [Usage?] {
    guard keys.contains(where: { $0.useLimit != nil }) else { return keys.map { _ in nil } }
    return index.withLock { index in
      keys.map { $0.useLimit == nil ? nil : index.usage(of: $0.id, at: instant) }
    }
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
      tidy()
      rest = rest.dropFirst(limit)
      guard goesOn() else { return }
    }
  }
}
