/// Every key in memory: found by digest, id and name, and in the order of creation.
///
/// It holds what the store has committed and nothing else. Nothing in it grows by moving more than a little at once.
struct Index: ~Copyable {
  /// In the order of their ordinals.
  private var rows = KeyRows()
  private var users = UserTable()
  /// By each key's own digest.
  private var byDigest = RowTable()
  private let seed = IndexSeed()
  private var formers = FormerDigests()
  private var byID = RowTable()
  /// Keys that are not deleted.
  private var byName = RowTable()
  /// Keys that are not deleted.
  private(set) var count = 0
  private(set) var revision: Revision = 0
  private(set) var agenda = Agenda()
  private var lastUses = LastUses()
  private var meters = MeterTable()

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

  private func find(_ digest: Digest) -> (row: Int, until: Instant)? { find(digest, seed.hash(digest)) }

  /// Whose digest it is or was, and when it stops being good; ``Instant/distantFuture`` for a key's own.
  @inline(__always)
  private func find(_ digest: Digest, _ hash: UInt64) -> (row: Int, until: Instant)? {
    if let row = byDigest.row(hash, where: { rows.record($0).digest == digest }) { return (row, .distantFuture) }
    return formers.find(digest, hash)
  }

  private func key(at row: Int) -> Key? {
    rows.withRow(row) { block, place in
      block.key(place, lastUsed: lastUses[row]) { users.users[Int($0)].name }
    }
  }

  // MARK: Validating

  /// The verdict on whoever presents the secret of a digest.
  func validation(of digest: Digest, for permission: Permission, at now: Instant) -> Validation {
    validation(judge(digest, for: permission, at: now))
  }

  /// As ``validation(of:for:at:)``, and remembers the use of a key that is found valid. A use that the key's limits do
  /// not admit is none.
  /// - Parameter runsLow: set where more uses are to be reserved before they are needed, once for all keys.
  /// - Returns: nil where the use has to wait for the store.
  mutating func use(
    _ digest: Digest, for permission: Permission, at now: Instant, runsLow: inout Bool
  ) -> Validation? {
    let judgement = judge(digest, for: permission, at: now)
    guard judgement.verdict == .valid else { return validation(judgement) }
    if let limited = judgement.limitedUntil {
      let admission = meters.take(judgement.row, at: now)
      guard admission == .granted else { return validation(judgement).judged(by: admission, unless: limited) }
      runsLow = meters.takeCall()
    }
    lastUses.record(judgement.row, at: now)
    return validation(judgement)
  }

  /// As ``use(_:for:at:runsLow:)`` for some of many questions about keys without limits, told without anything that is
  /// counted. Their look-ups wait for memory together, which most of a single one's time goes for.
  mutating func useUnlimited(_ questions: some PlainQuestions, _ range: Range<Int>, at now: Instant) {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Together<Int>.count) {
      useUnlimited(
        questions, questions.questions, start..<min(start + Together<Int>.count, range.upperBound), at: now)
    }
  }

  /// What is known of each of some questions that are looked up together. More would have what comes first leave the
  /// cache again.
  private typealias Together<Value> = InlineArray<32, Value>

  private mutating func useUnlimited(
    _ asker: some PlainQuestions, _ questions: UnsafeBufferPointer<PlainQuestion>, _ range: Range<Int>,
    at now: Instant
  ) {
    var hashes = Together<UInt64>(repeating: 0)
    var found = Together<Int>(repeating: -1)
    for place in 0..<range.count {
      hashes[place] = seed.hash(questions[range.lowerBound + place].digest)
      byDigest.prefetchShard(hashes[place])
    }
    for place in 0..<range.count { byDigest.prefetchBucket(hashes[place]) }
    for place in 0..<range.count {
      guard let row = byDigest.probableRow(hashes[place]) else { continue }
      found[place] = row
      rows.prefetchRecord(row)
      lastUses.prefetch(row)
    }
    for place in 0..<range.count where found[place] >= 0 {
      if rows.record(found[place]).digest == questions[range.lowerBound + place].digest {
        rows.prefetchName(found[place])
      } else {
        found[place] = -1
      }
    }
    for place in 0..<range.count {
      let number = range.lowerBound + place
      let digest = questions[number].digest
      let row = found[place] >= 0 ? (found[place], .distantFuture) : find(digest, hashes[place])
      let judgement = judge(row, for: questions[number].permission, at: now)
      asker.answer(number, use(judgement, at: now))
    }
  }

  /// - Returns: nil for a key with limits, of which nothing is used.
  @inline(__always)
  private mutating func use(_ judgement: Judgement, at now: Instant) -> BriefValidation? {
    guard judgement.limitedUntil == nil else { return nil }
    guard judgement.tellsKey else { return BriefValidation(judgement.verdict) }
    if judgement.verdict == .valid { lastUses.record(judgement.row, at: now) }
    return rows.withRow(judgement.row) { block, place in
      BriefValidation(
        judgement.verdict, id: block.records[place].id, name: block.name(place), validUntil: judgement.until,
        revision: revision)
    }
  }

  /// As ``use(_:for:at:runsLow:)`` for several secrets, each judged after those before it: all of them are used, or
  /// none.
  /// - Returns: nil where one of them has to wait for the store.
  mutating func use(_ questions: [Question], at now: Instant) -> [Validation]? {
    var trial = MeterTrial()
    var used: [Int] = []
    var validations: [Validation] = []
    for question in questions {
      guard case .digest(let digest) = question.secret else {
        validations.append(Validation(.malformed))
        continue
      }
      if let later = question.asOf {
        validations.append(self.validation(of: digest, for: question.permission, at: max(later, now)))
        continue
      }
      let judgement = judge(digest, for: question.permission, at: now)
      var validation = validation(judgement)
      if validation.verdict == .valid, let limited = judgement.limitedUntil {
        let admission = trial.take(judgement.row, of: meters, at: now)
        guard let answer = validation.judged(by: admission, unless: limited) else { return nil }
        validation = answer
      }
      if validation.verdict == .valid { used.append(judgement.row) }
      validations.append(validation)
    }
    meters.keep(trial)
    for row in used { lastUses.record(row, at: now) }
    return validations
  }

  /// What a verdict is made of, before anything is told of the key.
  private struct Judgement {
    let verdict: Verdict
    /// Whether the verdict tells of the key.
    var tellsKey = false
    var row = 0
    /// Until when it holds; nil for ever.
    var until: Instant?
    /// For a key with limits the end that time will put to it, ``Instant/distantFuture`` for none.
    var limitedUntil: Instant?
  }

  @inline(__always)
  private func judge(_ digest: Digest, for permission: Permission, at now: Instant) -> Judgement {
    judge(find(digest), for: permission, at: now)
  }

  @inline(__always)
  private func judge(
    _ found: (row: Int, until: Instant)?, for permission: Permission, at now: Instant
  ) -> Judgement {
    guard let (row, until) = found, until > now else { return Judgement(verdict: .notFound) }
    return rows.withRow(row) { block, place in
      let ends = block.ends(ofKey: place)
      let state = ends.state(at: now)
      if state == .deleted { return Judgement(verdict: .notFound) }
      let record = block.records[place]
      guard record.permission == permission else { return Judgement(verdict: .wrongPermission) }
      let end = min(until, ends.nextTransition(after: now) ?? .distantFuture)
      let isLimited = record.flags.contains(.limited)
      let holds = isLimited && state == .active ? now : end
      return Judgement(
        verdict: Verdict(state), tellsKey: true, row: row, until: holds == .distantFuture ? nil : holds,
        limitedUntil: isLimited ? end : nil)
    }
  }

  private func validation(_ judgement: Judgement) -> Validation {
    guard judgement.tellsKey else { return Validation(judgement.verdict) }
    return rows.withRow(judgement.row) { block, place in
      Validation(
        judgement.verdict,
        subject: Validation.Subject(
          id: block.records[place].id, name: NameText(of: place, in: block), validUntil: judgement.until,
          revision: revision))
    }
  }

  // MARK: Limits and last uses

  /// What the store has to reserve so that secrets can be used that wait for it.
  mutating func reservations(for questions: some Sequence<Question>, at now: Instant) -> [UseReservation] {
    var trial = MeterTrial(asIfReserved: true)
    for question in questions where question.asOf == nil {
      guard case .digest(let digest) = question.secret else { continue }
      let judgement = judge(digest, for: question.permission, at: now)
      guard judgement.verdict == .valid, judgement.limitedUntil != nil else { continue }
      _ = trial.take(judgement.row, of: meters, at: now)
    }
    var reservations: [UseReservation] = []
    for (row, goal) in trial.meters {
      let id = rows.record(row).id
      meters.update(row) { meter in
        if let reservation = meter.reservation(for: id, upTo: goal.used, at: now) { reservations.append(reservation) }
      }
    }
    return reservations
  }

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
