import CKeywardProto
import KeywardCore

/// The messages of `KeyService.UndeleteKey`.
enum UndeleteKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__undelete_key_request__unpack).pointee
    return .change(ChangeRequest(.undelete(try fields.id.keyID("id")), etag: try fields.etag.etag()))
  }

  static func encodeRequest(
    _ id: KeyID, etag: Revision?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__undelete_key_request__init)
    message.pointee.id = try arena.data(id)
    message.pointee.etag = try arena.data(etag: etag)
    return Message(message)
  }

  static func encodeReply(_ key: KeyView, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__undelete_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__undelete_key_response__unpack).pointee
    return .changed(
      .undeleteKey, try KeyMessage.decode(fields.key), nil, revision: fields.revision)
  }
}
