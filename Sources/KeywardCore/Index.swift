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
  private var uses = UseLog()

  /// Keys that are not deleted.
  var count: Int { byName.count }

  /// All keys.
  var countWithDeleted: Int { byID.count }

  func key(id: KeyID) -> Key? { byID[id].flatMap { rows[$0]?.key } }

  func key(name: KeyName) -> Key? { byName[name].flatMap { rows[$0]?.key } }

  /// Whose secret it is or was.
  func key(digest: Digest) -> Key? { byDigest[digest].flatMap { rows[Int($0.row)]?.key } }

  func contains(_ name: KeyName) -> Bool { byName[name] != nil }

  func contains(_ digest: Digest) -> Bool { byDigest[digest] != nil }

  /// The verdict on whoever presents the secret of a digest.
  func validation(of digest: Digest, for permission: Permission, at now: Instant) -> Validation {
    judge(digest, for: permission, at: now).verdict
  }

  /// As ``validation(of:for:at:)``, and remembers the use of a key that is found valid.
  mutating func use(_ digest: Digest, for permission: Permission, at now: Instant) -> Validation {
    let (validation, row) = judge(digest, for: permission, at: now)
    if validation.verdict == .valid { uses.record(row, at: now) }
    return validation
  }

  private func judge(
    _ digest: Digest, for permission: Permission, at now: Instant
  ) -> (verdict: Validation, row: Int) {
    guard let entry = byDigest[digest], entry.until > now else { return (Validation(.notFound), 0) }
    let row = Int(entry.row)
    let end = entry.until == .distantFuture ? nil : entry.until
    let validation = rows[row]?.key.validation(for: permission, at: now, digestUntil: end, revision: revision)
    return (validation ?? Validation(.notFound), row)
  }

  /// Takes out what was used since the last time, up to a limit.
  mutating func takeUses(limit: Int) -> [KeyUse] {
    uses.take(limit: limit).compactMap { row, instant in
      guard let present = rows[row], present.key.lastUsedTime.map({ $0 < instant }) ?? true else { return nil }
      rows.setLastUsed(instant, at: row)
      return KeyUse(ordinal: present.ordinal, time: instant)
    }
  }

  /// The next thing that has come due for a key, and the key.
  mutating func takeDue(at now: Instant, window: SoonWindow) -> (key: Key, event: DueEvent)? {
    while let row = agenda.takeDue(at: now) {
      guard let key = rows[row]?.key else { continue }
      if let event = key.nextDueEvent(at: now, window: window) { return (key, event) }
      attend(to: row, after: now, window)
    }
    return nil
  }

  /// Looks at a key again when there may be something to record.
  mutating func attend(to id: KeyID, after now: Instant, _ window: SoonWindow) {
    if let row = byID[id] { attend(to: row, after: now, window) }
  }

  private mutating func attend(to row: Int, after now: Instant, _ window: SoonWindow) {
    guard let key = rows[row]?.key else { return }
    let isDue = key.nextDueEvent(at: now, window: window) != nil
    if let next = isDue ? now : key.nextAttention(after: now, window: window) { agenda.add(row, at: next) }
  }

  /// - Precondition: the ordinal is higher than every one before, and the id, digest and name are new.
  mutating func insert(_ stored: StoredKey) {
    let row = rows.count
    rows.append(KeySnapshot.Row(stored.key, ordinal: stored.ordinal))
    digests.append([stored.digest] + stored.former.map(\.digest))
    byDigest.insert(stored.digest, row: row)
    for former in stored.former { byDigest.insert(former.digest, row: row, until: former.until) }
    byID[stored.key.id] = row
    if stored.key.deleteTime == nil { byName[stored.key.name] = row }
    advance(to: stored.key.revision)
  }

  /// Puts a key in the place of the one with its id.
  mutating func replace(_ key: Key) {
    guard let row = byID[key.id], let before = rows[row]?.key else { return }
    if before.deleteTime == nil { byName[before.name] = nil }
    rows.replace(key, at: row)
    if key.deleteTime == nil { byName[key.name] = row }
    advance(to: key.revision)
  }

  /// Gives a key another digest. Those it has end when the last one is to, or earlier.
  mutating func rotate(_ key: Key, to digest: Digest, oldUntil: Instant) {
    replace(key)
    guard let row = byID[key.id] else { return }
    for old in digests[row] { byDigest.limit(old, until: oldUntil) }
    byDigest.insert(digest, row: row)
    digests[row].insert(digest, at: 0)
  }

  mutating func purge(_ id: KeyID, revision: Revision) {
    guard let row = byID.removeValue(forKey: id), let gone = rows[row] else { return }
    for digest in digests[row] { byDigest.remove(digest) }
    digests[row] = []
    if gone.key.deleteTime == nil { byName[gone.key.name] = nil }
    rows.remove(at: row)
    advance(to: revision)
  }

  mutating func advance(to revision: Revision) {
    self.revision = max(self.revision, revision)
  }
}
