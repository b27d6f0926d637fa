import KeywardCore

/// From bytes to calls and back, for whichever protocol carries them.
extension Request {
  /// - Throws: INVALID_ARGUMENT for a message that cannot be decoded or that no key could have.
  init(_ method: Method, payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) {
    self =
      switch method {
      case .validateKey: try ValidateKeyMessages.decodeRequest(payload, in: arena)
      case .validateKeys: try ValidateKeysMessages.decodeRequest(payload, in: arena)
      case .createKey: try CreateKeyMessages.decodeRequest(payload, in: arena)
      case .getKey: try GetKeyMessages.decodeRequest(payload, in: arena)
      case .listKeys: try ListKeysMessages.decodeRequest(payload, in: arena)
      case .updateKey: try UpdateKeyMessages.decodeRequest(payload, in: arena)
      case .revokeKey: try RevokeKeyMessages.decodeRequest(payload, in: arena)
      case .deleteKey: try DeleteKeyMessages.decodeRequest(payload, in: arena)
      case .undeleteKey: try UndeleteKeyMessages.decodeRequest(payload, in: arena)
      case .batchUpdateKeys: try GroupChangeMessages.decodeUpdate(payload, in: arena)
      case .batchRevokeKeys: try GroupChangeMessages.decodeRevocation(payload, in: arena)
      case .batchDeleteKeys: try GroupChangeMessages.decodeDeletion(payload, in: arena)
      case .copyKey: try CopyKeyMessages.decodeRequest(payload, in: arena)
      case .rotateKey: try RotateKeyMessages.decodeRequest(payload, in: arena)
      case .importKeys: try ImportKeysMessages.decodeRequest(payload, in: arena)
      case .watchKeys: try WatchKeysMessages.decodeRequest(payload, in: arena)
      case .listAuditEvents: try ListAuditEventsMessages.decodeRequest(payload, in: arena)
      case .verifyAudit: try VerifyAuditMessages.decodeRequest(payload, in: arena)
      case .getStatus: try GetStatusMessages.decodeRequest(payload, in: arena)
      case .whoAmI: try WhoAmIMessages.decodeRequest(payload, in: arena)
      case .reload: try ReloadMessages.decodeRequest(payload, in: arena)
      }
  }
}

extension Reply {
  func message(in arena: Arena) throws(CallError) -> Message {
    switch self {
    case .validateKey(let validation): try ValidateKeyMessages.encodeReply(validation, in: arena)
    case .validateKeys(let validations, let revision):
      try ValidateKeysMessages.encodeReply(validations, revision: revision, in: arena)
    case .changed(let method, let key, let secret, let revision):
      try ChangeMessages.encodeReply(of: method, key, secret, revision: revision, in: arena)
    case .groupChanged(let method, let count, let revision):
      try GroupChangeMessages.encodeReply(of: method, count: count, revision: revision, in: arena)
    case .getKey(let key, let revision): try GetKeyMessages.encodeReply(key, revision: revision, in: arena)
    case .listKeys(let page, let revision): try ListKeysMessages.encodeReply(page, revision: revision, in: arena)
    case .importKeys(let outcome): try ImportKeysMessages.encodeReply(outcome, in: arena)
    case .watchKeys(let event): try WatchKeysMessages.encodeReply(event, in: arena)
    case .listAuditEvents(let page, let revision):
      try ListAuditEventsMessages.encodeReply(page, revision: revision, in: arena)
    case .verifyAudit(let summary, let revision):
      try VerifyAuditMessages.encodeReply(summary, revision: revision, in: arena)
    case .getStatus(let status): try GetStatusMessages.encodeReply(status, in: arena)
    case .whoAmI(let identity, let revision):
      try WhoAmIMessages.encodeReply(identity, revision: revision, in: arena)
    case .reload(let revision): try ReloadMessages.encodeReply(revision: revision, in: arena)
    }
  }

  /// - Throws: INVALID_ARGUMENT for a message that cannot be decoded.
  init(_ method: Method, payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) {
    self =
      switch method {
      case .validateKey: try ValidateKeyMessages.decodeReply(payload, in: arena)
      case .validateKeys: try ValidateKeysMessages.decodeReply(payload, in: arena)
      case .createKey: try CreateKeyMessages.decodeReply(payload, in: arena)
      case .getKey: try GetKeyMessages.decodeReply(payload, in: arena)
      case .listKeys: try ListKeysMessages.decodeReply(payload, in: arena)
      case .updateKey: try UpdateKeyMessages.decodeReply(payload, in: arena)
      case .revokeKey: try RevokeKeyMessages.decodeReply(payload, in: arena)
      case .deleteKey: try DeleteKeyMessages.decodeReply(payload, in: arena)
      case .undeleteKey: try UndeleteKeyMessages.decodeReply(payload, in: arena)
      case .batchUpdateKeys, .batchRevokeKeys, .batchDeleteKeys:
        try GroupChangeMessages.decodeReply(of: method, payload, in: arena)
      case .copyKey: try CopyKeyMessages.decodeReply(payload, in: arena)
      case .rotateKey: try RotateKeyMessages.decodeReply(payload, in: arena)
      case .importKeys: try ImportKeysMessages.decodeReply(payload, in: arena)
      case .watchKeys: try WatchKeysMessages.decodeReply(payload, in: arena)
      case .listAuditEvents: try ListAuditEventsMessages.decodeReply(payload, in: arena)
      case .verifyAudit: try VerifyAuditMessages.decodeReply(payload, in: arena)
      case .getStatus: try GetStatusMessages.decodeReply(payload, in: arena)
      case .whoAmI: try WhoAmIMessages.decodeReply(payload, in: arena)
      case .reload: try ReloadMessages.decodeReply(payload, in: arena)
      }
  }
}

extension OutgoingRequest {
  func message(in arena: Arena) throws(CallError) -> Message {
    switch self {
    case .validateKey(let secret, let permission, let asOf):
      try ValidateKeyMessages.encodeRequest(secret, permission, asOf: asOf, in: arena)
    case .validateKeys(let questions, let asOf):
      try ValidateKeysMessages.encodeRequest(questions, asOf: asOf, in: arena)
    case .change(let request): try ChangeMessages.encodeRequest(request, in: arena)
    case .groupChange(let group): try GroupChangeMessages.encodeRequest(group, in: arena)
    case .getKey(let selector): try GetKeyMessages.encodeRequest(selector, in: arena)
    case .listKeys(let query): try ListKeysMessages.encodeRequest(query, in: arena)
    case .importKeys(let keys, let options): try ImportKeysMessages.encodeRequest(keys, options, in: arena)
    case .watchKeys(let revision): try WatchKeysMessages.encodeRequest(after: revision, in: arena)
    case .listAuditEvents(let query): try ListAuditEventsMessages.encodeRequest(query, in: arena)
    case .verifyAudit: try VerifyAuditMessages.encodeRequest(in: arena)
    case .getStatus: try GetStatusMessages.encodeRequest(in: arena)
    case .whoAmI: try WhoAmIMessages.encodeRequest(in: arena)
    case .reload: try ReloadMessages.encodeRequest(in: arena)
    }
  }
}
