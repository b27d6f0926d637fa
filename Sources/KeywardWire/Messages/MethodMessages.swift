import KeywardCore

/// From bytes to calls and back, for whichever protocol carries them.
extension Request {
  /// - Throws: INVALID_ARGUMENT for a message that cannot be decoded or that no key could have.
  init(_ method: Method, payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) {
    self =
      switch method {
      case .validateKey: try ValidateKeyMessages.decodeRequest(payload, in: arena)
      case .createKey: try CreateKeyMessages.decodeRequest(payload, in: arena)
      case .getKey: try GetKeyMessages.decodeRequest(payload, in: arena)
      case .listKeys: try ListKeysMessages.decodeRequest(payload, in: arena)
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
    case .createKey(let key, let secret): try CreateKeyMessages.encodeReply(key, secret, in: arena)
    case .getKey(let key): try GetKeyMessages.encodeReply(key, in: arena)
    case .listKeys(let page): try ListKeysMessages.encodeReply(page, in: arena)
    case .getStatus(let status): try GetStatusMessages.encodeReply(status, in: arena)
    case .whoAmI(let identity): try WhoAmIMessages.encodeReply(identity, in: arena)
    case .reload: try ReloadMessages.encodeReply(in: arena)
    }
  }

  /// - Throws: INVALID_ARGUMENT for a message that cannot be decoded.
  init(_ method: Method, payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) {
    self =
      switch method {
      case .validateKey: try ValidateKeyMessages.decodeReply(payload, in: arena)
      case .createKey: try CreateKeyMessages.decodeReply(payload, in: arena)
      case .getKey: try GetKeyMessages.decodeReply(payload, in: arena)
      case .listKeys: try ListKeysMessages.decodeReply(payload, in: arena)
      case .getStatus: try GetStatusMessages.decodeReply(payload, in: arena)
      case .whoAmI: try WhoAmIMessages.decodeReply(payload, in: arena)
      case .reload: try ReloadMessages.decodeReply(payload, in: arena)
      }
  }
}

extension OutgoingRequest {
  func message(in arena: Arena) throws(CallError) -> Message {
    switch self {
    case .validateKey(let secret, let permission):
      try ValidateKeyMessages.encodeRequest(secret, permission, in: arena)
    case .createKey(let key): try CreateKeyMessages.encodeRequest(key, in: arena)
    case .getKey(let selector): try GetKeyMessages.encodeRequest(selector, in: arena)
    case .listKeys(let query): try ListKeysMessages.encodeRequest(query, in: arena)
    case .getStatus: try GetStatusMessages.encodeRequest(in: arena)
    case .whoAmI: try WhoAmIMessages.encodeRequest(in: arena)
    case .reload: try ReloadMessages.encodeRequest(in: arena)
    }
  }
}
