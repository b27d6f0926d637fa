/// Every key in memory: found by digest, id and name, and in the order of creation.
///
/// It holds what the store has committed and nothing else. Nothing in it grows by moving more than a little at once.
struct Index: ~Copyable {
  /// In the order of their ordinals.
  var rows = KeyRows()
  private var users = UserTable()
  /// By each key's own digest.
  var byDigest = RowTable()
  let seed = IndexSeed()
  var formers = FormerDigests()
  private var byID = RowTable()
  /// Keys that are not deleted.
  private var byName = RowTable()
  /// Keys that are not deleted.
  private(set) var count = 0
  private(set) var revision: Revision = 0
  private(set) var agenda = Agenda()
  var lastUses = LastUses()
  var meters = MeterTable()

  /// Good for as long as the index is there.
  var lookUpHint: LookUpHint { LookUpHint(seed: seed, table: byDigest.hint) }

  /// All keys at this moment.
  var snapshot: KeySnapshot { KeySnapshot(rows: rows, users: users.users) }

  func key(id: KeyID) -> Key? { row(of: id).flatMap { key(at: $0) } }

  func key(name: KeyName) -> Key? { row(of: name).flatMap { key(at: $0) } }

  /// A key with its very last use, which may not be written yet.
  func withLastUse(_ key: Key) -> Key {
    guard let use = row(of: key.id).flatMap({ lastUses[$0] }) else { return key }
    var key = key
    key.lastUsedTime = max(key.lastUsedTime ?? use, use)
    return key
  }

  /// Whose secret it is or was.
  func key(digest: Digest) -> Key? { find(digest).flatMap { key(at: $0.row) } }

  func contains(_ name: KeyName) -> Bool { row(of: name) != nil }

  func contains(_ digest: Digest) -> Bool { find(digest) != nil }

  /// When the keys of some rows were used last.
  func lastUses(of rows: Range<Int>) -> [Instant?] { rows.map { lastUses[$0] } }

  private func row(of id: KeyID) -> Int? { row(of: id, seed.hash(id)) }

  private func row(of id: KeyID, _ hash: UInt64) -> Int? { byID.row(hash) { rows.record($0).id == id } }

  private func row(of name: KeyName) -> Int? { row(of: name, name.text.hashOfBytes) }

  private func row(of name: KeyName, _ hash: UInt64) -> Int? {
    byName.row(hash) { row in
      rows.withRow(row) { block, row in block.name(row).elementsEqual(name.text.utf8) }
    }
  }

  func find(_ digest: Digest) -> (row: Int, until: Instant)? { find(digest, seed.hash(digest)) }

  /// Whose digest it is or was, and when it stops being good; ``Instant/distantFuture`` for a key's own.
  @inline(__always)
  func find(_ digest: Digest, _ hash: UInt64) -> (row: Int, until: Instant)? {
    if let row = byDigest.row(hash, where: { rows.record($0).digest == digest }) { return (row, .distantFuture) }
    return formers.find(digest, hash)
  }

  private func key(at row: Int) -> Key? {
    rows.withRow(row) { block, place in
      block.key(place, lastUsed: lastUses[row]) { users.users[Int($0)].name }
    }
  }

  // MARK: Limits and last uses

  /// What is left of a key's total at an instant; nil where it has none.
  func usage(of id: KeyID, at instant: Instant) -> Usage? {
    row(of: id).flatMap { meters[$0] }?.usage(at: instant)
  }

  /// The next uses for the store to reserve before they are needed, up to a limit.
  mutating func takeReservations(at now: Instant, limit: Int) -> [UseReservation] {
    meters.takeWaiting(limit: limit) { row, meter in meter.reservation(for: rows.record(row).id, at: now) }
  }

  /// Whether more uses are to be reserved before they are needed.
  var hasReservations: Bool { meters.hasWaiting }

  /// Whether somebody is to be called to reserve them, once for all keys.
  mutating func takeReservationCall() -> Bool { meters.takeCall() }

  mutating func adopt(_ reservation: UseReservation) {
    if let row = row(of: reservation.key) { meters.update(row) { $0.adopt(reservation) } }
  }

  /// - Precondition: no use has been granted.
  mutating func restore(_ reservation: UseReservation) {
    if let row = row(of: reservation.key) { meters.update(row) { $0.restore(reservation) } }
  }

  /// Grants no more uses of keys with totals, and tells how many there were.
  mutating func closeMeters() -> [UseReservation] {
    meters.closeAll { row, meter in meter.close(rows.record(row).id) }
  }

  /// Takes out what was used since the last time, up to a limit, and less where more would take long.
  /// - Returns: the uses, and whether the pass over all keys is over.
  mutating func takeUses(limit: Int) -> (uses: [(row: Int, use: KeyUse)], isOver: Bool) {
    let (uses, isOver) = lastUses.take(limit: limit)
    return (uses.map { row, instant in (row, KeyUse(ordinal: rows.ordinal(row), time: instant)) }, isOver)
  }

  /// Whether there is a use that is not taken out.
  var hasUses: Bool { lastUses.waitingCount > 0 }

  /// Has uses that could not be written taken out again another time.
  mutating func putBack(_ taken: [(row: Int, use: KeyUse)]) {
    for (row, _) in taken { lastUses.putBack(row) }
  }

  // MARK: What comes due

  /// Takes out the key whose instant has come first, and the next thing that has come due for it.
  /// - Returns: nil where there is none.
  mutating func takeDue(at now: Instant, window: SoonWindow) -> Due? {
    guard let row = agenda.takeDue(at: now) else { return nil }
    guard let key = key(at: row) else { return .nothing }
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
  /// - Parameter key: as it is in the index, if it is there at all.
  mutating func attend(to key: Key, after now: Instant, _ window: SoonWindow) {
    if let row = row(of: key.id) { agenda.set(row, at: key.nextAttention(after: now, window: window)) }
  }

  /// As ``attend(to:after:_:)`` for the keys in a range of rows.
  /// - Returns: whether there are rows behind them.
  mutating func attend(toRows range: Range<Int>, after now: Instant, _ window: SoonWindow) -> Bool {
    for row in range.clamped(to: 0..<rows.count) where rows.record(row).mayNeedAttention {
      if let key = key(at: row) { agenda.set(row, at: key.nextAttention(after: now, window: window)) }
    }
    return range.upperBound < rows.count
  }

  // MARK: Changing

  /// - Precondition: the ordinal is higher than every one before.
  /// - Returns: false where the id, a digest or the name is here already; nothing is inserted then.
  @discardableResult
  mutating func insert(_ stored: StoredKey) -> Bool {
    let key = stored.key
    let (digestHash, idHash, nameHash) = (seed.hash(stored.digest), seed.hash(key.id), key.name.text.hashOfBytes)
    guard find(stored.digest, digestHash) == nil, row(of: key.id, idHash) == nil,
      key.deleteTime != nil || row(of: key.name, nameHash) == nil,
      !stored.former.contains(where: { contains($0.digest) })
    else { return false }
    let row = rows.count
    rows.append(stored, creator: users.number(of: key.creator), updater: users.number(of: key.updater))
    byDigest.insert(row, digestHash)
    byID.insert(row, idHash)
    if key.deleteTime == nil { enterName(row, nameHash) }
    let seed = seed
    formers.add(stored.former, to: row) { seed.hash($0) }
    if let use = key.lastUsedTime { lastUses.restore(row, use) }
    if key.isLimited { meters.set(row, key) }
    advance(to: key.revision)
    return true
  }

  /// Puts a key in the place of the one with its id.
  mutating func replace(_ key: Key) {
    guard let row = row(of: key.id) else { return }
    let wasLimited = rows.record(row).flags.contains(.limited)
    leaveName(row)
    let updater = users.number(of: key.updater)
    rows.change(row) { block, place in block.replace(place, with: key, updater: updater) }
    if key.deleteTime == nil { enterName(row, key.name.text.hashOfBytes) }
    if wasLimited || key.isLimited { meters.set(row, key) }
    advance(to: key.revision)
  }

  /// Gives a key another digest. Those it has end when the last one is to, or earlier; those that have ended go, so
  /// that however often a key is rotated there are few.
  mutating func rotate(_ key: Key, to digest: Digest, oldUntil: Instant, at now: Instant) {
    replace(key)
    guard let row = row(of: key.id) else { return }
    let old = rows.record(row).digest
    let seed = seed
    formers.drop(row, endedBy: now) { seed.hash($0) }
    formers.limit(row, until: oldUntil)
    formers.add([FormerDigest(digest: old, until: oldUntil)], to: row) { seed.hash($0) }
    byDigest.remove(row, seed.hash(old))
    rows.change(row) { block, place in block.setDigest(digest, place) }
    byDigest.insert(row, seed.hash(digest))
  }

  /// When each former secret of a key ends or has ended, in no order.
  func formerEnds(of id: KeyID) -> [Instant] { row(of: id).map { formers.ends(ofRow: $0) } ?? [] }

  func hasFormerDigests(endedBy instant: Instant) -> Bool { formers.nextEnd.map { $0 <= instant } ?? false }

  /// Lets go of one key's former digests that have ended, which then are free for other keys.
  /// - Returns: whether there was such a key.
  mutating func dropFormerDigests(endedBy instant: Instant) -> Bool {
    let seed = seed
    return formers.dropFirst(endedBy: instant) { seed.hash($0) }
  }

  mutating func purge(_ id: KeyID, revision: Revision) {
    guard let row = row(of: id) else { return }
    let seed = seed
    byDigest.remove(row, seed.hash(rows.record(row).digest))
    formers.drop(row, endedBy: .distantFuture) { seed.hash($0) }
    byID.remove(row, seed.hash(id))
    leaveName(row)
    rows.change(row) { block, place in block.remove(place) }
    lastUses.remove(row)
    meters.remove(row)
    agenda.set(row, at: nil)
    advance(to: revision)
  }

  mutating func advance(to revision: Revision) {
    self.revision = max(self.revision, revision)
  }

  private mutating func enterName(_ row: Int, _ hash: UInt64) {
    byName.insert(row, hash)
    count += 1
  }

  /// - Precondition: the row is as it was when its name was entered.
  private mutating func leaveName(_ row: Int) {
    guard !rows.record(row).flags.contains(.deleted) else { return }
    byName.remove(row, rows.withRow(row) { block, place in block.name(place).hashOfBytes })
    count -= 1
  }
}

extension KeyRecord {
  /// Whether time may do anything to the key.
  fileprivate var mayNeedAttention: Bool { expireTime != .distantFuture || flags.contains(.hasRest) }
}
