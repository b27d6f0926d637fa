import KeywardCore

/// The messages of every method that changes a key.
enum ChangeMessages {
  static func encodeRequest(_ request: ChangeRequest, in arena: Arena) throws(CallError) -> Message {
    let (etag, requestID) = (request.etag, request.requestID)
    return switch request.action {
    case .create(let key): try CreateKeyMessages.encodeRequest(key, requestID: requestID, in: arena)
    case .update(let id, let update): try UpdateKeyMessages.encodeRequest(id, update, etag: etag, in: arena)
    case .revoke(let id, let revocation): try RevokeKeyMessages.encodeRequest(id, revocation, etag: etag, in: arena)
    case .delete(let id): try DeleteKeyMessages.encodeRequest(id, etag: etag, in: arena)
    case .undelete(let id): try UndeleteKeyMessages.encodeRequest(id, etag: etag, in: arena)
    case .copy(let id, let copy):
      try CopyKeyMessages.encodeRequest(id, copy, etag: etag, requestID: requestID, in: arena)
    case .rotate(let id, let rotation):
      try RotateKeyMessages.encodeRequest(id, rotation, etag: etag, requestID: requestID, in: arena)
    }
  }

  static func encodeReply(
    of method: Method, _ key: KeyView, _ secret: Secret?, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    switch method {
    case .createKey: return try CreateKeyMessages.encodeReply(key, secret, revision: revision, in: arena)
    case .updateKey: return try UpdateKeyMessages.encodeReply(key, revision: revision, in: arena)
    case .revokeKey: return try RevokeKeyMessages.encodeReply(key, revision: revision, in: arena)
    case .deleteKey: return try DeleteKeyMessages.encodeReply(key, revision: revision, in: arena)
    case .undeleteKey: return try UndeleteKeyMessages.encodeReply(key, revision: revision, in: arena)
    case .copyKey: return try CopyKeyMessages.encodeReply(key, secret, revision: revision, in: arena)
    case .rotateKey: return try RotateKeyMessages.encodeReply(key, secret, revision: revision, in: arena)
    case .validateKey, .validateKeys, .batchUpdateKeys, .batchRevokeKeys, .batchDeleteKeys,
      .getKey, .listKeys, .importKeys, .watchKeys,
      .listAuditEvents, .verifyAudit, .getStatus, .whoAmI, .reload:
      preconditionFailure("no change of one key is answered as anything else")
    }
  }
}
