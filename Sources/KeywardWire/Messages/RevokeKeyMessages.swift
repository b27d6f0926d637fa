import CKeywardProto
import KeywardCore

/// The messages of `KeyService.RevokeKey`.
enum RevokeKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__revoke_key_request__unpack).pointee
    let id = try fields.id.keyID("id")
    let reason = try fields.reason.text("reason")
    let revocation = Revocation(
      time: try instant(fields.revoke_time, "revoke_time"),
      reason: try checked { () throws(DomainError) in try RevokeReason(reason) })
    return .change(ChangeRequest(.revoke(id, revocation), etag: try fields.etag.etag()))
  }

  static func encodeRequest(
    _ id: KeyID, _ revocation: Revocation, etag: Revision?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__revoke_key_request__init)
    message.pointee.id = try arena.data(id)
    message.pointee.revoke_time = try arena.timestamp(revocation.time)
    message.pointee.reason = try arena.data(revocation.reason.text)
    message.pointee.etag = try arena.data(etag: etag)
    return Message(message)
  }

  static func encodeReply(_ key: KeyView, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__revoke_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__revoke_key_response__unpack).pointee
    return .changed(
      .revokeKey, try KeyMessage.decode(fields.key), nil, revision: fields.revision)
  }
}
