import KeywardCore

/// What has happened to keys, as a person reads it.
struct AuditOutput {
  let times: Times

  static let columns: [Table.Column] = [
    .init("TIME"), .init("CHANGE"), .init("NAME", minWidth: 12), .init("BY", minWidth: 8),
    .init("DETAILS", minWidth: 16),
    .init("KEY"), .init("REVISION"),
  ]

  func row(_ event: AuditEventView) -> [Table.Cell] {
    [
      .init(times.absolute(event.time)), .init(event.type.name, event.type.colour),
      .init((event.after ?? event.before)?.key.name.text ?? ""), .init(event.actor.user),
      .init(details(event).joined(separator: ", ")), .init(event.keyID.description), .init(String(event.revision)),
    ]
  }

  /// What is another than it was, for as much of it as the kind of change does not say.
  func details(_ event: AuditEventView) -> [String] {
    guard let after = event.after?.key else { return [] }
    guard let before = event.before?.key else { return made(after) }
    var details: [String] = []
    if before.name != after.name { details.append("was \"\(before.name.text)\"") }
    if before.expireTime != after.expireTime {
      details.append("expires \(time(after.expireTime)), was \(time(before.expireTime))")
    }
    for (name, limit) in [("rate", LimitText.rate), ("uses", LimitText.uses)] where limit(before) != limit(after) {
      details.append("\(name) \(limit(after) ?? "unlimited"), was \(limit(before) ?? "unlimited")")
    }
    if before.enabled != after.enabled, event.type == .updated {
      details.append(after.enabled ? "enabled" : "disabled")
    }
    if before.revokeTime != after.revokeTime, let time = after.revokeTime {
      if time != event.time { details.append("from \(times.absolute(time))") }
      if !after.revokeReason.isEmpty { details.append("\"\(after.revokeReason)\"") }
    }
    if before.hint != after.hint { details.append("\(after.hint), was \(before.hint)") }
    if let end = event.graceEnd {
      details.append(end > event.time ? "old secret good until \(times.absolute(end))" : "old secret stopped")
    }
    return details
  }

  private func made(_ key: Key) -> [String] {
    var details = [key.permission.name]
    if let expireTime = key.expireTime { details.append("expires \(times.absolute(expireTime))") }
    if !key.enabled { details.append("disabled") }
    if key.isLimited { details.append(LimitText.both(key)) }
    return details
  }

  private func time(_ instant: Instant?) -> String { instant.map(times.absolute) ?? "never" }
}

extension ChangeType {
  var colour: Colour? {
    switch self {
    case .created, .enabled, .undeleted, .imported: .green
    case .soonUnavailable: .yellow
    case .expired, .revoked: .red
    case .disabled, .deleted, .purged: .dim
    case .updated, .rotated: nil
    }
  }
}
