import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// A store under test, by its name.
struct StoreSubject: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let make: @Sendable () throws -> Rig

  /// A store, a way to close it and open it again, and the folder that has to be there as long.
  struct Rig {
    let store: any Store
    let folder: TemporaryFolder?
    let reopened: () throws -> any Store
  }

  static let all = [
    StoreSubject(testDescription: "the fake") {
      let store = FakeStore()
      return Rig(store: store, folder: nil) { store }
    },
    StoreSubject(testDescription: "SQLite") {
      let folder = try TemporaryFolder()
      let store = try SQLiteStore(path: folder.database)
      return Rig(store: store, folder: folder) {
        store.close()
        return try SQLiteStore(path: folder.database)
      }
    },
  ]
}

extension Store {
  /// Makes one change, which must succeed.
  /// - Returns: the key after it, with its new revision; the one before where it is gone.
  @discardableResult
  func make(
    _ change: Change, at instant: Instant = .noon, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Key {
    let result = try #require(try commit([change], at: instant).first, sourceLocation: sourceLocation)
    let key = try #require(change.after ?? change.before, sourceLocation: sourceLocation)
    return key.with(revision: try result.get().revision)
  }

  func refusal(of change: Change) throws -> Conflict? {
    guard case .failure(let conflict)? = try commit([change], at: .noon).first else { return nil }
    return conflict
  }

  func key(_ id: KeyID) throws -> StoredKey? { try contents().keys.first { $0.key.id == id } }

  func attempts() throws -> [Attempt] {
    var attempts: [Attempt] = []
    try loadAttempts { attempts.append($0) }
    return attempts.sorted { ($0.id.uid, $0.id.requestID.text) < ($1.id.uid, $1.id.requestID.text) }
  }

  /// Every audit event, the first first.
  func audit() throws -> [AuditEvent] {
    try auditEvents(AuditQuery(), before: nil, limit: .max).events.reversed()
  }
}

extension Key {
  /// A key with every field, and texts that are hard to keep.
  static let full = Key.sample(
    2, name: "Ключ 🔑 \\t für «Zoë»", permission: .secureMail, enabled: false, expireTime: .latest,
    revokeTime: .epoch, revokeReason: "leaked — see\n\tthe \\log\\", lastUsedTime: Instant(microseconds: 1),
    deleteTime: .noon, purgeTime: Instant.noon.adding(seconds: 30 * 86400)
  ).changed { $0.copyBase = KeyName(checked: "Ключ") }
}
