/// Every key in memory: found by digest, id and name, and in the order of creation.
///
/// It holds what the store has committed and nothing else.
struct Index {
  /// In the order of their ordinals.
  private(set) var rows = KeySnapshot()
  /// Of each row: its own digest first, then former ones.
  private var digests: [[Digest]] = []
  private var byDigest = DigestTable()
  private var byID: [KeyID: Int] = [:]
  /// Keys that are not deleted.
  private var byName: [KeyName: Int] = [:]
  private(set) var revision: Revision = 0
  private(set) var agenda = Agenda()
  /// When the first of a key's former secrets ends, for each that has some.
  private var graces = Agenda()
  private var uses = UseLog()
  private var meters = MeterTable()

  /// Keys that are not deleted.
  var count: Int { byName.count }

  /// All keys.
  var countWithDeleted: Int { byID.count }

  func key(id: KeyID) -> Key? { byID[id].flatMap { rows[$0]?.key } }

  func key(name: KeyName) -> Key? { byName[name].flatMap { rows[$0]?.key } }

  /// A key with the last use of it that is remembered and not written yet.
  func withLastUse(_ key: Key) -> Key {
    guard let row = byID[key.id], let use = uses.latest(of: row) else { return key }
    var key = key
    key.lastUsedTime = max(key.lastUsedTime ?? use, use)
    return key
  }

  /// A key as ``withLastUse(_:)`` gives it, and when each of its former secrets ends or has ended.
  func details(of key: Key) -> (key: Key, formerEnds: [Instant]) { (withLastUse(key), formerEnds(of: key.id)) }

  /// Whose secret it is or was.
  func key(digest: Digest) -> Key? { byDigest[digest].flatMap { rows[Int($0.row)]?.key } }

  func contains(_ name: KeyName) -> Bool { byName[name] != nil }

  func contains(_ digest: Digest) -> Bool { byDigest[digest] != nil }

  /// The verdict on whoever presents the secret of a digest.
  func validation(of digest: Digest, for permission: Permission, at now: Instant) -> Validation {
    judge(digest, for: permission, at: now).verdict
  }

  /// As ``validation(of:for:at:)``, and remembers the use of a key that is found valid. A use that the key's limits do
  /// not admit is none.
  /// - Parameter runsLow: set where the store is to be told of more uses, once for all that wait for it.
  mutating func use(
    _ digest: Digest, for permission: Permission, at now: Instant, runsLow: inout Bool
  ) -> Validation {
    let (validation, row, limited) = judge(digest, for: permission, at: now)
    guard validation.verdict == .valid else { return validation }
    if let limited {
      let admission = meters.take(row, at: now)
      runsLow = meters.takeCall()
      switch admission {
      case .granted: break
      case .rateLimited(let retry): return validation.refused(.rateLimited, until: retry, unless: limited)
      case .exceeded(let retry): return validation.refused(.usageExceeded, until: retry, unless: limited)
      }
    }
    uses.record(row, at: now)
    return validation
  }

  /// The next uses for the store to reserve, up to a limit.
  mutating func takeReservations(at now: Instant, limit: Int) -> [UseReservation] {
    meters.takeWaiting(limit: limit) { row, meter in
      rows[row].flatMap { meter.reservation(for: $0.key.id, at: now) }
    }
  }

  /// Whether the store is to be told of more uses.
  var hasReservations: Bool { meters.hasWaiting }

  /// Whether somebody is to be called to tell the store, once for all that wait for it.
  mutating func takeReservationCall() -> Bool { meters.takeCall() }

  /// Has what was taken out asked for again.
  mutating func returnReservations(_ reservations: [UseReservation]) {
    for reservation in reservations {
      if let row = byID[reservation.key] { meters.putBack(row) }
    }
  }

  mutating func adopt(_ reservation: UseReservation) {
    if let row = byID[reservation.key] { meters.update(row) { $0.adopt(reservation) } }
  }

  /// - Precondition: no use has been granted.
  mutating func restore(_ reservation: UseReservation) {
    if let row = byID[reservation.key] { meters.update(row) { $0.restore(reservation) } }
  }

  /// Grants no more uses of keys with totals, and tells how many there were.
  mutating func closeMeters() -> [UseReservation] {
    meters.closeAll { row, meter in rows[row].flatMap { meter.close($0.key.id) } }
  }

  /// - Returns: for a key with limits also the end that time will put to it, ``Instant/distantFuture`` for none.
  private func judge(
    _ digest: Digest, for permission: Permission, at now: Instant
  ) -> (verdict: Validation, row: Int, limitedUntil: Instant?) {
    guard let entry = byDigest[digest], entry.until > now else { return (Validation(.notFound), 0, nil) }
    let row = Int(entry.row)
    let end = entry.until == .distantFuture ? nil : entry.until
    guard let key = rows[row]?.key else { return (Validation(.notFound), row, nil) }
    let validation = key.validation(for: permission, at: now, digestUntil: end, revision: revision)
    guard key.isLimited else { return (validation, row, nil) }
    return (validation, row, min(entry.until, key.nextTransition(after: now) ?? .distantFuture))
  }

  /// Takes out what was used since the last time, up to a limit.
  mutating func takeUses(limit: Int) -> [(row: Int, use: KeyUse)] {
    uses.take(limit: limit).compactMap { row, instant in
      guard let present = rows[row], present.key.lastUsedTime.map({ $0 <= instant }) ?? true else { return nil }
      rows.setLastUsed(instant, at: row)
      return (row, KeyUse(ordinal: present.ordinal, time: instant))
    }
  }

  /// Whether there is a use that is not taken out.
  var hasUses: Bool { !uses.isEmpty }

  /// Has uses that could not be written taken out again another time.
  mutating func putBack(_ taken: [(row: Int, use: KeyUse)]) {
    for (row, use) in taken { uses.record(row, at: use.time) }
  }

  /// Takes out the key whose instant has come first, and the next thing that has come due for it.
  /// - Returns: nil where there is none.
  mutating func takeDue(at now: Instant, window: SoonWindow) -> Due? {
    guard let row = agenda.takeDue(at: now) else { return nil }
    guard let key = rows[row]?.key else { return .nothing }
    if let event = key.nextDueEvent(at: now, window: window) { return .event(event, of: key) }
    agenda.set(row, at: key.nextAttention(after: now, window: window))
    return .nothing
  }

  /// What became of a key that came up.
  enum Due {
    case event(DueEvent, of: Key)
    /// It was looked at too early.
    case nothing
  }

  /// Looks at a key again when there is something to record.
  mutating func attend(to id: KeyID, after now: Instant, _ window: SoonWindow) {
    guard let row = byID[id], let key = rows[row]?.key else { return }
    agenda.set(row, at: key.nextAttention(after: now, window: window))
  }

  /// As ``attend(to:after:_:)`` for the keys in a range of rows.
  /// - Returns: whether there are rows behind them.
  mutating func attend(toRows range: Range<Int>, after now: Instant, _ window: SoonWindow) -> Bool {
    for row in range.clamped(to: 0..<rows.count) {
      if let key = rows[row]?.key { agenda.set(row, at: key.nextAttention(after: now, window: window)) }
    }
    return range.upperBound < rows.count
  }

  /// - Precondition: the ordinal is higher than every one before, and the id, digest and name are new.
  mutating func insert(_ stored: StoredKey) {
    let row = rows.count
    rows.append(KeySnapshot.Row(stored.key, ordinal: stored.ordinal))
    digests.append([stored.digest] + stored.former.map(\.digest))
    byDigest.insert(stored.digest, row: row)
    for former in stored.former { byDigest.insert(former.digest, row: row, until: former.until) }
    graces.set(row, at: formerEnds(ofRow: row).min())
    byID[stored.key.id] = row
    meters.set(row, stored.key)
    if stored.key.deleteTime == nil { byName[stored.key.name] = row }
    advance(to: stored.key.revision)
  }

  /// Puts a key in the place of the one with its id.
  mutating func replace(_ key: Key) {
    guard let row = byID[key.id], let before = rows[row]?.key else { return }
    if before.deleteTime == nil { byName[before.name] = nil }
    rows.replace(key, at: row)
    if before.isLimited || key.isLimited { meters.set(row, key) }
    if key.deleteTime == nil { byName[key.name] = row }
    advance(to: key.revision)
  }

  /// Gives a key another digest. Those it has end when the last one is to, or earlier; those that have ended go, so
  /// that however often a key is rotated there are few.
  mutating func rotate(_ key: Key, to digest: Digest, oldUntil: Instant, at now: Instant) {
    replace(key)
    guard let row = byID[key.id] else { return }
    dropFormerDigests(ofRow: row, endedBy: now)
    for old in digests[row] { byDigest.limit(old, until: oldUntil) }
    byDigest.insert(digest, row: row)
    digests[row].insert(digest, at: 0)
    graces.set(row, at: formerEnds(ofRow: row).min())
  }

  /// When each former secret of a key ends or has ended, in no order.
  func formerEnds(of id: KeyID) -> [Instant] { byID[id].map { formerEnds(ofRow: $0) } ?? [] }

  func hasFormerDigests(endedBy instant: Instant) -> Bool { graces.next.map { $0 <= instant } ?? false }

  /// Lets go of one key's former digests that have ended, which then are free for other keys.
  /// - Returns: whether there was such a key.
  mutating func dropFormerDigests(endedBy instant: Instant) -> Bool {
    guard let row = graces.takeDue(at: instant) else { return false }
    dropFormerDigests(ofRow: row, endedBy: instant)
    graces.set(row, at: formerEnds(ofRow: row).min())
    return true
  }

  private mutating func dropFormerDigests(ofRow row: Int, endedBy instant: Instant) {
    let ended = digests[row].filter { byDigest[$0].map { $0.until <= instant } ?? false }
    for digest in ended { byDigest.remove(digest) }
    digests[row].removeAll { ended.contains($0) }
  }

  private func formerEnds(ofRow row: Int) -> [Instant] {
    digests[row].dropFirst().compactMap { byDigest[$0]?.until }
  }

  mutating func purge(_ id: KeyID, revision: Revision) {
    guard let row = byID.removeValue(forKey: id), let gone = rows[row] else { return }
    for digest in digests[row] { byDigest.remove(digest) }
    digests[row] = []
    graces.set(row, at: nil)
    if gone.key.deleteTime == nil { byName[gone.key.name] = nil }
    rows.remove(at: row)
    meters.remove(row)
    agenda.set(row, at: nil)
    advance(to: revision)
  }

  mutating func advance(to revision: Revision) {
    self.revision = max(self.revision, revision)
  }
}
