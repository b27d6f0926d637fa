package import KeywardCore

/// A request as the handlers take it: values of the domain, nothing of the wire.
package enum Request: Sendable {
  case validateKey(Question)
  case validateKeys([Question])
  /// Every method that changes a key: which one is in the request.
  case change(ChangeRequest)
  /// Every method that changes many keys together.
  case groupChange(GroupChange)
  case getKey(KeySelector)
  case listKeys(ListQuery)
  case importKeys(ImportKeys)
  /// The changes after a revision; 0 is from now on.
  case watchKeys(after: Revision)
  case listAuditEvents(AuditPageQuery)
  case verifyAudit
  case getStatus
  case whoAmI
  case reload
}

/// A reply as the handlers give it. A revision is the store's when the reply was made: what else it says holds every
/// change up to there.
package enum Reply: Sendable {
  case validateKey(Validation)
  case validateKeys([Validation], revision: Revision)
  /// To that method, the key as a change has left it; the secret only where one was made.
  case changed(Method, KeyView, Secret?, revision: Revision)
  /// To that method, how many keys were changed together.
  case groupChanged(Method, count: Int, revision: Revision)
  case getKey(KeyView, revision: Revision)
  case listKeys(KeyPage, revision: Revision)
  case importKeys(ImportOutcome)
  /// One of many.
  case watchKeys(WatchEvent)
  case listAuditEvents(AuditPage, revision: Revision)
  case verifyAudit(AuditSummary, revision: Revision)
  case getStatus(ServiceStatus)
  case whoAmI(Identity, revision: Revision)
  case reload(revision: Revision)

  /// nil where the reply tells none.
  package var revision: Revision? {
    switch self {
    case .validateKey(let validation): validation.subject?.revision
    case .getStatus(let status): status.revision
    case .importKeys(let outcome): outcome.revision
    case .watchKeys(let event): event.revision
    case .validateKeys(_, let revision), .changed(_, _, _, let revision),
      .groupChanged(_, _, let revision), .getKey(_, let revision),
      .listKeys(_, let revision), .listAuditEvents(_, let revision), .whoAmI(_, let revision),
      .verifyAudit(_, let revision), .reload(let revision):
      revision
    }
  }
}

/// A request as the client gives it; of ``Request`` it differs in holding the secrets themselves.
package enum OutgoingRequest: Sendable {
  case validateKey(Secret, Permission, asOf: Instant?)
  case validateKeys([(secret: Secret, permission: Permission)], asOf: Instant?)
  case change(ChangeRequest)
  case groupChange(GroupChange)
  case getKey(KeySelector)
  case listKeys(ListQuery)
  case importKeys([KeyToImport], ImportOptions)
  case watchKeys(after: Revision)
  case listAuditEvents(AuditPageQuery)
  case verifyAudit
  case getStatus
  case whoAmI
  case reload

  package var method: Method {
    switch self {
    case .validateKey: .validateKey
    case .validateKeys: .validateKeys
    case .change(let request): Method(request.action)
    case .groupChange(let group): Method(group.action)
    case .getKey: .getKey
    case .listKeys: .listKeys
    case .importKeys: .importKeys
    case .watchKeys: .watchKeys
    case .listAuditEvents: .listAuditEvents
    case .verifyAudit: .verifyAudit
    case .getStatus: .getStatus
    case .whoAmI: .whoAmI
    case .reload: .reload
    }
  }
}

extension Method {
  /// The method that asks for a change.
  package init(_ action: ChangeRequest.Action) {
    self =
      switch action {
      case .create: .createKey
      case .update: .updateKey
      case .revoke: .revokeKey
      case .delete: .deleteKey
      case .undelete: .undeleteKey
      case .copy: .copyKey
      case .rotate: .rotateKey
      }
  }

  /// The method that asks for a change of many keys.
  package init(_ action: GroupChange.Action) {
    self =
      switch action {
      case .update: .batchUpdateKeys
      case .revoke: .batchRevokeKeys
      case .delete: .batchDeleteKeys
      }
  }
}
