import KeywardCore

/// The protocol buffers' JSON mapping of what the daemon answers: the proto's field order, names in lowerCamelCase,
/// every field but absent messages and lists of them written out whatever its value.
extension JSON {
  init(_ view: KeyView) {
    let key = view.key
    var members: [Member] = [
      ("id", .string(key.id.description)), ("name", .string(key.name.text)),
      ("permission", .string(key.permission.protoName)), ("enabled", .bool(key.enabled)),
    ]
    members.append("expireTime", key.expireTime)
    members.append("revokeTime", key.revokeTime)
    members += [
      ("revokeReason", .string(key.revokeReason)), ("state", .string(view.state.protoName)),
      ("availability", .string(view.availability.protoName)), ("hint", .string(key.hint)),
      ("creator", .string(key.creator)),
    ]
    members.append("createTime", key.createTime)
    members.append(("updater", .string(key.updater)))
    members.append("updateTime", key.updateTime)
    members.append("lastUsedTime", key.lastUsedTime)
    members.append("deleteTime", key.deleteTime)
    members.append("purgeTime", key.purgeTime)
    members.append(("etag", .string(String(key.revision))))
    if let limit = key.rateLimit { members.append(("rateLimit", JSON(limit))) }
    if let limit = key.useLimit { members.append(("useLimit", JSON(limit))) }
    if let usage = view.usage { members.append(("usage", JSON(usage))) }
    if !view.formerSecretEnds.isEmpty {
      members.append(("formerSecretEndTimes", .array(view.formerSecretEnds.map { .string($0.description) })))
    }
    self = .object(members)
  }

  /// `RateLimit`.
  private init(_ limit: RateLimit) {
    self = .object([
      ("count", .int64(limit.count)), ("period", .string("\(limit.periodSeconds)s")), ("burst", .int64(limit.burst)),
    ])
  }

  /// `UseLimit`.
  private init(_ limit: UseLimit) {
    self = .object([
      ("total", .int64(limit.total)), ("refill", .string(limit.refill.protoName)),
    ])
  }

  /// `Usage`.
  private init(_ usage: Usage) {
    var members: [Member] = [("remaining", .int64(usage.remaining))]
    members.append("refillTime", usage.refillTime)
    self = .object(members)
  }

  /// `ValidateKeyResponse`.
  init(_ validation: Validation) {
    let subject = validation.subject
    var members: [Member] = [
      ("verdict", .string("VERDICT_" + validation.verdict.name)),
      ("keyId", .string(subject?.id.description ?? "")), ("name", .string(subject?.name.text ?? "")),
    ]
    members.append("validUntilTime", subject?.validUntil)
    members.append(("revision", .int64(subject?.revision ?? 0)))
    members.append("retryTime", validation.retryTime)
    self = .object(members)
  }

  /// `AuditEvent`.
  init(_ event: AuditEventView) {
    var members: [Member] = [
      ("revision", .int64(event.revision)), ("type", .string(event.type.protoName)),
      ("eventTime", .string(event.time.description)), ("keyId", .string(event.keyID.description)),
      ("actor", .string(event.actor.user)), ("uid", .number(Int64(event.actor.uid))),
      ("pid", .number(Int64(event.actor.pid))),
    ]
    if let key = event.before { members.append(("before", JSON(key))) }
    if let key = event.after { members.append(("after", JSON(key))) }
    members.append("graceEndTime", event.graceEnd)
    self = .object(members)
  }

  /// `WatchKeysResponse`.
  init(_ event: WatchEvent) {
    var members: [Member] = []
    switch event {
    case .caughtUp: members.append(("type", .string("CHANGE_TYPE_UNSPECIFIED")))
    case .change(let change): members += [("type", .string(change.type.protoName)), ("key", JSON(change.key))]
    }
    members.append(("revision", .int64(event.revision)))
    if case .change(let change) = event { members.append("eventTime", change.time) }
    self = .object(members)
  }

  /// `VerifyAuditResponse`.
  init(_ summary: AuditSummary, revision: Revision) {
    self = .object([
      ("rowCount", .int64(Int64(summary.rowCount))), ("firstBrokenRevision", .int64(summary.firstBroken ?? 0)),
      ("missingRowCount", .int64(summary.missingRowCount)), ("firstMissingRevision", .int64(summary.firstMissing ?? 0)),
      ("alteredKeyCount", .int64(Int64(summary.alteredKeyCount))),
      ("alteredKeyIds", .array(summary.alteredKeys.map { .string($0.description) })),
      ("auditHash", .string(summary.head.hashText)), ("auditRevision", .int64(summary.head.revision)),
      ("revision", .int64(revision)), ("clockSetBack", .bool(summary.isClockSetBack)),
    ])
  }

  /// `WhoAmIResponse`.
  init(_ identity: Identity, revision: Revision) {
    self = .object([
      ("uid", .number(Int64(identity.peer.uid))), ("user", .string(identity.user)),
      ("gids", .array(identity.peer.gids.map { .number(Int64($0)) })), ("pid", .number(Int64(identity.peer.pid))),
      ("rights", .array(identity.rights.names.map { .string($0) })), ("revision", .int64(revision)),
    ])
  }

  /// `GetStatusResponse`.
  init(_ status: ServiceStatus) {
    self = .object([
      ("version", .string(status.version)), ("pid", .number(Int64(status.pid))),
      ("startTime", .string(status.startTime.description)), ("currentTime", .string(status.currentTime.description)),
      ("revision", .int64(status.revision)), ("keyCount", .int64(Int64(status.keyCount))),
      ("connectionCount", .int64(Int64(status.connectionCount))), ("callCount", .int64(Int64(status.callCount))),
      ("refusedCallCount", .int64(Int64(status.refusedCallCount))), ("auditHash", .string(status.auditHead.hashText)),
      ("auditRevision", .int64(status.auditHead.revision)),
    ])
  }
}

extension [JSON.Member] {
  fileprivate mutating func append(_ name: String, _ instant: Instant?) {
    if let instant { append((name, .string(instant.description))) }
  }
}

extension UseLimit.Refill {
  var protoName: String {
    switch self {
    case .never: "REFILL_NEVER"
    case .daily: "REFILL_DAILY"
    case .monthly: "REFILL_MONTHLY"
    }
  }
}

extension Permission {
  var protoName: String {
    switch self {
    case .chat: "PERMISSION_CHAT"
    case .secureMail: "PERMISSION_SECURE_MAIL"
    }
  }
}

extension State {
  var protoName: String {
    switch self {
    case .active: "STATE_ACTIVE"
    case .disabled: "STATE_DISABLED"
    case .expired: "STATE_EXPIRED"
    case .revoked: "STATE_REVOKED"
    case .deleted: "STATE_DELETED"
    }
  }
}

extension Availability {
  var protoName: String {
    switch self {
    case .available: "AVAILABILITY_AVAILABLE"
    case .soonUnavailable: "AVAILABILITY_SOON_UNAVAILABLE"
    case .unavailable: "AVAILABILITY_UNAVAILABLE"
    }
  }
}

extension ChangeType {
  var protoName: String {
    switch self {
    case .created: "CHANGE_TYPE_CREATED"
    case .updated: "CHANGE_TYPE_UPDATED"
    case .enabled: "CHANGE_TYPE_ENABLED"
    case .disabled: "CHANGE_TYPE_DISABLED"
    case .expired: "CHANGE_TYPE_EXPIRED"
    case .revoked: "CHANGE_TYPE_REVOKED"
    case .soonUnavailable: "CHANGE_TYPE_SOON_UNAVAILABLE"
    case .deleted: "CHANGE_TYPE_DELETED"
    case .undeleted: "CHANGE_TYPE_UNDELETED"
    case .purged: "CHANGE_TYPE_PURGED"
    case .rotated: "CHANGE_TYPE_ROTATED"
    case .imported: "CHANGE_TYPE_IMPORTED"
    }
  }
}
