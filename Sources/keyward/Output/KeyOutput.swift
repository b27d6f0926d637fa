import KeywardCore

/// Keys as a person reads them.
struct KeyOutput {
  let times: Times

  static let columns: [Table.Column] = [
    .init("ID"), .init("NAME", minWidth: 12), .init("PERMISSION"), .init("STATE"), .init("EXPIRES"),
    .init("LAST USED"), .init("CREATED"), .init("CREATOR", minWidth: 8), .init("HINT"), .init("LIMITS"),
  ]

  func row(_ view: KeyView) -> [Table.Cell] {
    let key = view.key
    return [
      .init(key.id.description), .init(key.name.text), .init(key.permission.name),
      .init(view.state.name, view.colour), .init(end(view), view.expiryColour),
      .init(key.lastUsedTime.map(times.relative) ?? "never"), .init(times.relative(key.createTime)),
      .init(key.creator), .init(key.hint), .init(LimitText.all(view)),
    ]
  }

  /// What will end it, if anything: the expiry, or a revocation that comes before.
  private func end(_ view: KeyView) -> String {
    let (expiry, revocation) = (view.key.expireTime, view.key.revokeTime)
    if let revocation, view.state != .revoked, revocation < expiry ?? .distantFuture {
      return "revoked \(times.relative(revocation))"
    }
    return expiry.map(times.relative) ?? "never"
  }

  /// What there is to say of a key that was just made.
  func shortCard(_ view: KeyView) -> Card {
    Card(essentials(view))
  }

  /// What there is to say of a key that was just given another secret.
  func rotatedCard(_ view: KeyView) -> Card {
    let former = formerSecrets(view)
    return Card(essentials(view) + (former.isEmpty ? [("old secret", .init("works no more"))] : former))
  }

  func card(_ view: KeyView) -> Card {
    let key = view.key
    var fields = essentials(view)
    fields += [
      ("availability", .init(view.availability.name)), ("enabled", .init(key.enabled ? "yes" : "no")),
    ]
    if let revokeTime = key.revokeTime {
      // A deleted key's state says nothing of it.
      let isRevoked = view.state == .revoked || revokeTime <= times.now
      fields.append((isRevoked ? "revoked" : "will be revoked", .init(times.full(revokeTime))))
      if !key.revokeReason.isEmpty { fields.append(("reason", .init(key.revokeReason))) }
    }
    fields += [
      ("hint", .init(key.hint))
    ]
    fields += formerSecrets(view)
    fields += [
      ("created", .init("\(times.full(key.createTime)) by \(key.creator)")),
      ("updated", .init("\(times.full(key.updateTime)) by \(key.updater)")),
      ("last used", .init(key.lastUsedTime.map(times.full) ?? "never")),
    ]
    if let limit = key.rateLimit { fields.append(("rate", .init(LimitText.text(limit)))) }
    if let limit = key.useLimit { fields.append(("uses", .init(LimitText.text(limit)))) }
    if let left = LimitText.left(view) { fields.append(("left", .init(left))) }
    if let deleteTime = key.deleteTime { fields.append(("deleted", .init(times.full(deleteTime)))) }
    if let purgeTime = key.purgeTime { fields.append(("purged", .init(times.full(purgeTime)))) }
    return Card(fields)
  }

  /// A line for each secret that others have taken the place of and that is good still.
  private func formerSecrets(_ view: KeyView) -> [(label: String, cell: Table.Cell)] {
    view.formerSecretEnds.map { end in
      let reason =
        end == view.key.revokeTime
        ? ", revoked with the key" : end == view.key.expireTime ? ", expiring with the key" : ""
      return ("old secret", .init("works until \(times.full(end))\(reason)"))
    }
  }

  private func essentials(_ view: KeyView) -> [(label: String, cell: Table.Cell)] {
    let key = view.key
    return [
      ("id", .init(key.id.description)), ("name", .init(key.name.text, .bold)),
      ("permission", .init(key.permission.name)), ("state", .init(view.state.name, view.colour)),
      (
        view.state == .expired || key.expireTime.map { $0 <= times.now } ?? false ? "expired" : "expires",
        .init(key.expireTime.map(times.full) ?? "never", view.expiryColour)
      ),
    ]
  }
}

extension KeyView {
  var colour: Colour {
    switch (state, availability) {
    case (.active, .soonUnavailable): .yellow
    case (.active, .available), (.active, .unavailable): .green
    case (.disabled, _), (.deleted, _): .dim
    case (.expired, _), (.revoked, _): .red
    }
  }

  /// Draws the eye to an expiry that is near.
  fileprivate var expiryColour: Colour? { availability == .soonUnavailable ? .yellow : nil }
}
