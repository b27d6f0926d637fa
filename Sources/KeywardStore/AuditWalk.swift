import KeywardCore

/// A walk along the audit's rows, then over all keys.
struct AuditWalk {
  private var findings = AuditVerification()
  /// The last revision that has no row.
  private let unaudited: Revision
  /// How far the store has come.
  var mark: StoreMark
  private var revision: Revision
  private var hash: Digest?
  /// The time of the latest row.
  private var latest = Instant.epoch
  /// What the rows so far leave of each key they name.
  private var records: [KeyID: Record] = [:]
  /// Of keys that were rotated.
  private var formers: [KeyID: FormerCommitments] = [:]
  private var altered: Set<KeyID> = []

  /// What rows leave of a key: little, for there may be millions.
  private struct Record {
    let text: Digest
    /// Commits to its own secret; nil where rows of before there were commitments gave it.
    let secret: Digest?
    /// Whether the key was compared.
    var isMet: Bool
  }

  /// - Parameter unaudited: the last revision made before there was an audit.
  init(after unaudited: Revision, mark: StoreMark) {
    self.unaudited = unaudited
    self.mark = mark
    revision = unaudited
  }

  mutating func take(_ statement: Statement) {
    findings.rowCount += 1
    let number = statement.integer(0) ?? 0
    if number > revision + 1 { findings.missing.append(revision + 1...number - 1) }
    if number <= unaudited || number > mark.revision { breaks(at: number) }
    revision = max(revision, number)
    do throws(StoreError) {
      let (row, hash) = try AuditRow.read(statement)
      if row.hash(after: self.hash) != hash { breaks(at: number) }
      self.hash = hash
      findings.head = AuditHead(revision: number, hash: hash)
      follow(try AuditRow.event(statement), secret: row.secret)
    } catch {
      breaks(at: number)
    }
  }

  /// Takes a key as it is now, once all rows there are were taken.
  mutating func take(_ stored: StoredKey) {
    let id = stored.key.id
    let record = records[id]
    if !isExpected(stored.key, record) || !hasExpectedSecrets(stored, record) { altered.insert(id) }
    records[id]?.isMet = true
  }

  /// What was found, once all rows and keys there are were taken.
  func finished() -> AuditVerification {
    var findings = findings
    if revision < mark.revision { findings.missing.append(revision + 1...mark.revision) }
    // A record that met no key is of one that went without a trace.
    let lost = records.filter { !$0.value.isMet }.keys
    findings.alteredKeys = altered.union(lost).sorted { $0.description < $1.description }
    if mark.latestInstant < latest { findings.isClockSetBack = true }
    return findings
  }

  private mutating func breaks(at number: Revision) {
    if findings.firstBroken == nil { findings.firstBroken = number }
  }

  private mutating func follow(_ event: AuditEvent, secret: Digest?) {
    let id = event.keyID
    // The store gives no change an earlier instant than one before it.
    if event.time < latest { findings.isClockSetBack = true }
    latest = max(latest, event.time)
    let known = records[id]
    if let before = event.before {
      if !isExpected(before, known) { altered.insert(id) }
    } else if known != nil {
      altered.insert(id)
    }
    guard let after = event.after else {
      records[id] = nil
      formers[id] = nil
      return
    }
    if event.type == .rotated {
      formers[id, default: FormerCommitments()].rotate(from: known?.secret, until: event.graceEnd, at: event.time)
    }
    let isNewSecret = event.before == nil || event.type == .rotated
    records[id] = Record(
      text: Self.text(of: after), secret: isNewSecret ? secret : known?.secret, isMet: known?.isMet ?? false)
  }

  /// Whether a key is as the audit left it, or older than the audit.
  private func isExpected(_ key: Key, _ record: Record?) -> Bool {
    record.map { $0.text == Self.text(of: key) } ?? (key.revision <= unaudited)
  }

  /// Whether a key has the secrets that the audit gave it, as far as that commits to them.
  private func hasExpectedSecrets(_ stored: StoredKey, _ record: Record?) -> Bool {
    if let own = record?.secret, own != AuditRow.commitment(to: stored.digest) { return false }
    // Every rotation has its row, whether it commits to a secret or not.
    return (formers[stored.key.id] ?? FormerCommitments()).allow(stored.former, at: mark.latestInstant)
  }

  /// Last use is written without a row.
  private static func text(of key: Key) -> Digest {
    var key = key
    key.lastUsedTime = nil
    var text = KeyText.text(of: key)
    return text.withUTF8 { Digest(sha256: UnsafeRawBufferPointer($0)) }
  }
}
