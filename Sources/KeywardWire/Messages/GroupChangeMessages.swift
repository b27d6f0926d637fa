import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of the methods that change many keys together: `KeyService.BatchUpdateKeys`, `BatchRevokeKeys` and
/// `BatchDeleteKeys`.
enum GroupChangeMessages {
  static func decodeUpdate(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__batch_update_keys_request__unpack).pointee
    guard let key = fields.key?.pointee else {
      throw CallError(field: "key", "is missing: give one with the new values")
    }
    let update = try UpdateKeyMessages.update(to: key, fields.update_mask, isOfMany: true)
    return try group(.update(update), fields.keys, fields.n_keys)
  }

  static func decodeRevocation(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__batch_revoke_keys_request__unpack).pointee
    let reason = try fields.reason.text("reason")
    let revocation = Revocation(
      time: try instant(fields.revoke_time, "revoke_time"),
      reason: try checked { () throws(DomainError) in try RevokeReason(reason) })
    return try group(.revoke(revocation), fields.keys, fields.n_keys)
  }

  static func decodeDeletion(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__batch_delete_keys_request__unpack).pointee
    return try group(.delete, fields.keys, fields.n_keys)
  }

  static func encodeRequest(_ group: GroupChange, in arena: Arena) throws(CallError) -> Message {
    let keys = try arena.array(group.keys) { (key) throws(CallError) in try encode(key, in: arena) }
    switch group.action {
    case .update(let update):
      let message = try arena.make(keyward__v1__batch_update_keys_request__init)
      let key = try arena.make(keyward__v1__key__init)
      message.pointee.update_mask = try UpdateKeyMessages.mask(of: update, valuesIn: key, in: arena)
      message.pointee.key = key
      (message.pointee.keys, message.pointee.n_keys) = (keys, group.keys.count)
      return Message(message)
    case .revoke(let revocation):
      let message = try arena.make(keyward__v1__batch_revoke_keys_request__init)
      message.pointee.revoke_time = try arena.timestamp(revocation.time)
      message.pointee.reason = try arena.data(revocation.reason.text)
      (message.pointee.keys, message.pointee.n_keys) = (keys, group.keys.count)
      return Message(message)
    case .delete:
      let message = try arena.make(keyward__v1__batch_delete_keys_request__init)
      (message.pointee.keys, message.pointee.n_keys) = (keys, group.keys.count)
      return Message(message)
    }
  }

  static func encodeReply(
    of method: Method, count: Int, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    switch method {
    case .batchUpdateKeys:
      let message = try arena.make(keyward__v1__batch_update_keys_response__init)
      (message.pointee.changed_count, message.pointee.revision) = (Int64(count), revision)
      return Message(message)
    case .batchRevokeKeys:
      let message = try arena.make(keyward__v1__batch_revoke_keys_response__init)
      (message.pointee.changed_count, message.pointee.revision) = (Int64(count), revision)
      return Message(message)
    case .batchDeleteKeys:
      let message = try arena.make(keyward__v1__batch_delete_keys_response__init)
      (message.pointee.changed_count, message.pointee.revision) = (Int64(count), revision)
      return Message(message)
    default: preconditionFailure("no change of many keys is answered as anything else")
    }
  }

  static func decodeReply(
    of method: Method, _ payload: UnsafeRawBufferPointer, in arena: Arena
  ) throws(CallError) -> Reply {
    let (count, revision): (Int64, Revision)
    switch method {
    case .batchUpdateKeys:
      let fields = try arena.unpack(payload, keyward__v1__batch_update_keys_response__unpack).pointee
      (count, revision) = (fields.changed_count, fields.revision)
    case .batchRevokeKeys:
      let fields = try arena.unpack(payload, keyward__v1__batch_revoke_keys_response__unpack).pointee
      (count, revision) = (fields.changed_count, fields.revision)
    case .batchDeleteKeys:
      let fields = try arena.unpack(payload, keyward__v1__batch_delete_keys_response__unpack).pointee
      (count, revision) = (fields.changed_count, fields.revision)
    default: preconditionFailure("no change of many keys is answered as anything else")
    }
    return .groupChanged(method, count: Int(count), revision: revision)
  }
}

/// The keys of a group.
extension GroupChangeMessages {
  private static func encode(
    _ key: KeyVersion, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__KeyVersion>? {
    let message = try arena.make(keyward__v1__key_version__init)
    message.pointee.id = try arena.data(key.id)
    message.pointee.etag = try arena.data(etag: key.etag)
    return message
  }

  /// - Throws: INVALID_ARGUMENT for keys that no group may have, naming the first wrong one by its index.
  private static func group(
    _ action: GroupChange.Action, _ keys: UnsafeMutablePointer<UnsafeMutablePointer<Keyward__V1__KeyVersion>?>?,
    _ count: Int
  ) throws(CallError) -> Request {
    guard (1...GroupChange.maxCount).contains(count) else {
      throw CallError(field: "keys", "has \(count) entries: give 1 to \(GroupChange.maxCount)")
    }
    var versions: [KeyVersion] = []
    for (index, key) in UnsafeBufferPointer(start: keys, count: count).enumerated() {
      guard let key = key?.pointee else { continue }
      do throws(CallError) {
        versions.append(KeyVersion(id: try key.id.keyID("id"), etag: try key.etag.etag()))
      } catch {
        throw error.ofEntry("keys[\(index)]", separator: ": ")
      }
    }
    return .groupChange(try checked { () throws(DomainError) in try GroupChange(action, of: versions) })
  }
}
