import KeywardCore

/// A row of the audit, as it is written, chained and read.
///
/// Each row's hash makes it and all rows before it evident: SHA-256 over the hash of the row before it, 32 zero bytes
/// for the first, and then each other column in the order revision, type, time, key_id, uid, user, pid, before, after,
/// and, unless both are NULL, secret, grace_until. A column is four bytes, big-endian, that count its bytes, and the
/// bytes: an integer in decimal, a text in UTF-8, a blob as it is. NULL is the count 0xFFFFFFFF alone. `before` and
/// `after` hold a ``KeyText``.
///
/// A change that gives a key a secret commits to it in `secret`: SHA-256 over `keyward-audit-secret` and the secret's
/// digest. `grace_until` is until when a rotation leaves the secrets before it good. Rows written before version 3 of the
/// schema have neither.
///
/// Nothing in the chain is secret: it shows a row that was altered, added or lost, unless whoever did that also wrote
/// every later hash anew. A hash kept elsewhere shows that too.
struct AuditRow {
  let revision: Revision
  let type: Int64
  let time: Int64
  let keyID: String
  let uid: Int64
  let user: String
  let pid: Int64
  let before: String?
  let after: String?
  let secret: Digest?
  let graceUntil: Int64?

  private static let columns = "revision, type, time, key_id, uid, user, pid, before, after, secret, grace_until, hash"

  static let insertion = "INSERT INTO audit (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"

  static let selection = "SELECT \(columns) FROM audit"

  /// The rows after a revision, so many of them.
  static let succession = selection + " WHERE revision > ?1 ORDER BY revision LIMIT ?2"

  /// Adds the parameters of ``insertion``.
  func add(hash: Digest, to row: inout Statement.Parameters) {
    row.add(revision)
    row.add(type)
    row.add(time)
    row.add(keyID)
    row.add(uid)
    row.add(user)
    row.add(pid)
    row.add(before)
    row.add(after)
    row.add(secret)
    row.add(graceUntil)
    row.add(hash)
  }

  /// - Parameter previous: the hash of the row before; nil where there is none.
  func hash(after previous: Digest?) -> Digest {
    var buffer = TextBuffer(capacity: 512)
    func add(_ number: Int64?) {
      if let number { buffer.addCounted { $0.add(number) } } else { buffer.add(count: .max) }
    }
    func add(_ text: String?) {
      if let text { buffer.addCounted { $0.add(text) } } else { buffer.add(count: .max) }
    }
    if let previous {
      previous.withUnsafeBytes { buffer.add($0) }
    } else {
      for _ in 0..<Digest.byteCount { buffer.add(0 as UInt8) }
    }
    add(revision)
    add(type)
    add(time)
    add(keyID)
    add(uid)
    add(user)
    add(pid)
    add(before)
    add(after)
    if secret != nil || graceUntil != nil {
      if let secret {
        buffer.addCounted { buffer in secret.withUnsafeBytes { buffer.add($0) } }
      } else {
        buffer.add(count: .max)
      }
      add(graceUntil)
    }
    return buffer.bytes.withUnsafeBytes { Digest(sha256: $0) }
  }

  /// What a row says of a secret: which one it is can be told by whoever has its digest, and nothing else.
  static func commitment(to digest: Digest) -> Digest {
    var buffer = TextBuffer(capacity: 64)
    buffer.add("keyward-audit-secret")
    digest.withUnsafeBytes { buffer.add($0) }
    return buffer.bytes.withUnsafeBytes { Digest(sha256: $0) }
  }
}

extension AuditRow {
  /// What the audit says of a change.
  init(_ change: Change, keyID: KeyID, revision: Revision, at time: Instant) {
    self.revision = revision
    type = Int64(change.type.rawValue)
    self.time = time.microseconds
    self.keyID = keyID.description
    uid = Int64(change.actor.uid)
    user = change.actor.user
    pid = Int64(change.actor.pid)
    switch change.effect {
    case .insert(_, let digest), .rotate(_, let digest, _): secret = Self.commitment(to: digest)
    case .replace, .note, .purge: secret = nil
    }
    graceUntil = change.graceEnd?.microseconds
    if case .insert = change.effect { before = nil } else { before = change.before.map { KeyText.text(of: $0) } }
    after = change.after.map { key in
      var key = key
      // What the sweeper notes is no change of the key itself.
      if case .note = change.effect {} else { key.revision = revision }
      return KeyText.text(of: key)
    }
  }

  /// The present row of ``selection``.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column of another type.
  static func read(_ row: Statement) throws(StoreError) -> (row: AuditRow, hash: Digest) {
    let reader = reader(row)
    let result = AuditRow(
      revision: reader.number, type: try reader.require("type", row.integer(1)),
      time: try reader.require("time", row.integer(2)), keyID: try reader.require("key_id", row.text(3)),
      uid: try reader.require("uid", row.integer(4)), user: try reader.require("user", row.text(5)),
      pid: try reader.require("pid", row.integer(6)), before: try reader.optionalText("before", 7),
      after: try reader.optionalText("after", 8),
      secret: row.isNull(9) ? nil : try reader.require("secret", row.digest(9)),
      graceUntil: try reader.optionalInstant("grace_until", 10)?.microseconds)
    return (result, try reader.require("hash", row.digest(11)))
  }

  /// What the present row of ``selection`` says.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column that holds what was never written.
  static func event(_ row: Statement) throws(StoreError) -> AuditEvent {
    let reader = reader(row)
    let keyID = try reader.id("key_id", 3)
    func key(_ name: String, _ column: Int32) throws(StoreError) -> Key? {
      guard let text = try reader.optionalText(name, column) else { return nil }
      return try reader.require(name, KeyText.key(from: text).flatMap { $0.id == keyID ? $0 : nil })
    }
    let actor = Actor(
      uid: try reader.require("uid", row.integer(4).flatMap { UInt32(exactly: $0) }),
      user: try reader.require("user", row.text(5)),
      pid: try reader.require("pid", row.integer(6).flatMap { Int32(exactly: $0) }))
    return AuditEvent(
      revision: reader.number,
      type: try reader.require(
        "type", row.integer(1).flatMap { UInt8(exactly: $0) }.flatMap { ChangeType(rawValue: $0) }),
      time: try reader.instant("time", 2), keyID: keyID, actor: actor, before: try key("before", 7),
      after: try key("after", 8), graceEnd: try reader.optionalInstant("grace_until", 10))
  }

  private static func reader(_ row: Statement) -> ColumnReader {
    ColumnReader(row: row, table: "audit", number: row.integer(0) ?? 0)
  }
}
