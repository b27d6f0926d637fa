/// What those who watch ask of the registry besides its ``Registry/feed``.
extension Registry {
  /// From where a watch goes on: after the revision it returns.
  /// - Parameter start: the last revision that the watcher has seen; 0 for what comes from now on.
  /// - Throws: ``DomainError/outOfRange(_:oldest:newest:)`` where what followed it is not known, or nothing has.
  public func watchStart(_ start: Revision) throws(DomainError) -> Revision {
    guard start >= 0 else {
      throw .invalid(
        field: "start_revision", "is negative: give the last revision you have seen, or 0 for what comes from now on")
    }
    let newest = feed.newest
    guard start > 0 else { return newest }
    guard start >= auditStart else {
      throw .outOfRange(
        "start_revision \(start) is before all that the audit holds: the oldest to go on from is \(auditStart)",
        oldest: auditStart, newest: newest)
    }
    guard start <= newest else {
      throw .outOfRange(
        "start_revision \(start) has not been yet: the newest to go on from is \(newest)", oldest: auditStart,
        newest: newest)
    }
    return start
  }

  /// The changes after a revision, as the audit has them. Blocks on the store, so it has one caller at a time, together
  /// with ``commit(_:at:limit:)``.
  /// - Returns: the first `limit` of them, without a gap.
  /// - Throws: ``DomainError/internal(_:)`` where the audit misses one, for then nobody could rely on the others.
  public func recordedEvents(after revision: Revision, limit: Int) throws(DomainError) -> [KeyEvent] {
    let recorded: [AuditEvent]
    do throws(StoreError) {
      recorded = try store.auditEvents(after: revision, limit: limit)
    } catch {
      throw DomainError(error)
    }
    var events: [KeyEvent] = []
    for event in recorded {
      let expected = revision + Revision(events.count) + 1
      guard let known = KeyEvent(event), known.revision == expected else { throw .auditMisses(expected) }
      events.append(known)
    }
    guard !events.isEmpty || limit < 1 else { throw .auditMisses(revision + 1) }
    return events
  }
}

extension DomainError {
  fileprivate static func auditMisses(_ revision: Revision) -> DomainError {
    .internal(
      "the audit has no whole row of the revision \(revision): keyward audit --verify says what else is missing")
  }
}
