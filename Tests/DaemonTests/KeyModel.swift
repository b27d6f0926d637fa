import KeywardCore

/// What keys are to do, written down once more and as plainly as can be: the test's idea of the rules, to hold the
/// daemon's against. It knows no clock; every instant in it is far in the future.
struct KeyModel {
  struct Entry {
    let id: KeyID
    var name: String
    let permission: Permission
    var enabled: Bool
    var expireTime: Instant?
    var isRevoked = false
    var isDeleted = false
    var copyBase: String
    /// What holders have, and whether it is still good.
    var secrets: [(secret: Secret, isGood: Bool)]

    var state: State { isDeleted ? .deleted : isRevoked ? .revoked : enabled ? .active : .disabled }
  }

  private(set) var entries: [Entry] = []

  /// What a change comes to: a status, and the key as it will be where that is OK.
  enum Prediction {
    case refused(StatusCode)
    case accepted(Entry)
  }

  func entry(_ id: KeyID) -> Entry? { entries.first { $0.id == id } }

  func isTaken(_ name: String, except id: KeyID? = nil) -> Bool {
    entries.contains { $0.name == name && !$0.isDeleted && $0.id != id }
  }

  /// - Parameter id: the id that the daemon gave to a new key; anything for the rest.
  func predict(_ action: ChangeRequest.Action, newID id: KeyID) -> Prediction {
    switch action {
    case .create(let key):
      if isTaken(key.name.text) { return .refused(.alreadyExists) }
      return .accepted(
        Entry(
          id: id, name: key.name.text, permission: key.permission, enabled: key.enabled, expireTime: key.expireTime,
          copyBase: key.name.text, secrets: []))
    case .update(let id, let update):
      return change(id) { entry in
        let changesUse =
          update.enabled.map { $0 != entry.enabled } ?? false
          || update.expiry.map { $0 != (entry.expireTime.map { .at($0) } ?? .never) } ?? false
        if entry.isRevoked, changesUse { return .failedPrecondition }
        if let name = update.name?.text, name != entry.name {
          if isTaken(name, except: id) { return .alreadyExists }
          (entry.name, entry.copyBase) = (name, name)
        }
        entry.enabled = update.enabled ?? entry.enabled
        switch update.expiry {
        case nil: break
        case .never: entry.expireTime = nil
        case .at(let time): entry.expireTime = time
        }
        return nil
      }
    case .revoke(let id, _):
      return change(id) { entry in
        if entry.isRevoked { return .failedPrecondition }
        entry.isRevoked = true
        return nil
      }
    case .delete(let id):
      return change(id) { entry in
        entry.isDeleted = true
        return nil
      }
    case .undelete(let id):
      guard var entry = entry(id) else { return .refused(.notFound) }
      if !entry.isDeleted { return .refused(.failedPrecondition) }
      if isTaken(entry.name) { return .refused(.alreadyExists) }
      entry.isDeleted = false
      return .accepted(entry)
    case .copy(let source, _):
      guard let source = entry(source) else { return .refused(.notFound) }
      if source.isDeleted { return .refused(.failedPrecondition) }
      var number = 1
      while isTaken("\(source.copyBase)_\(number)") { number += 1 }
      return .accepted(
        Entry(
          id: id, name: "\(source.copyBase)_\(number)", permission: source.permission, enabled: source.enabled,
          expireTime: source.expireTime, copyBase: source.copyBase, secrets: []))
    case .rotate(let id, let rotation):
      return change(id) { entry in
        if entry.isRevoked { return .failedPrecondition }
        if rotation.graceSeconds == 0 {
          entry.secrets = entry.secrets.map { ($0.secret, false) }
        } else if entry.secrets.count(where: { $0.isGood }) > RotateKey.maxFormerCount {
          return .failedPrecondition
        }
        return nil
      }
    }
  }

  mutating func put(_ entry: Entry) {
    entries.removeAll { $0.id == entry.id }
    entries.append(entry)
  }

  func verdict(on secret: Secret, for permission: Permission) -> Verdict {
    let holder = entries.first { $0.secrets.contains { $0.isGood && $0.secret.digest == secret.digest } }
    guard let holder, !holder.isDeleted else { return .notFound }
    if holder.permission != permission { return .wrongPermission }
    return holder.isRevoked ? .revoked : holder.enabled ? .valid : .disabled
  }

  /// A rule for a key that is there and not deleted; it says why it does not apply, or nil.
  private func change(_ id: KeyID, _ rule: (inout Entry) -> StatusCode?) -> Prediction {
    guard var entry = entry(id) else { return .refused(.notFound) }
    if entry.isDeleted { return .refused(.failedPrecondition) }
    if let code = rule(&entry) { return .refused(code) }
    return .accepted(entry)
  }
}
