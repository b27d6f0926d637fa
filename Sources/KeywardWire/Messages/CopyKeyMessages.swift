import CKeywardProto
import KeywardCore

/// The messages of `KeyService.CopyKey`.
enum CopyKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__copy_key_request__unpack).pointee
    let id = try fields.id.keyID("id")
    let name = try fields.name.text("name")
    let copy = CopyKey(name: name.isEmpty ? nil : try checked { () throws(DomainError) in try KeyName(name) })
    return .change(
      ChangeRequest(.copy(id, copy), etag: try fields.etag.etag(), requestID: try fields.request_id.requestID()))
  }

  static func encodeRequest(
    _ id: KeyID, _ copy: CopyKey, etag: Revision?, requestID: RequestID?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__copy_key_request__init)
    message.pointee.id = try arena.data(id)
    message.pointee.name = try arena.data(copy.name?.text ?? "")
    message.pointee.request_id = try arena.data(requestID?.text ?? "")
    message.pointee.etag = try arena.data(etag: etag)
    return Message(message)
  }

  static func encodeReply(
    _ key: KeyView, _ secret: Secret?, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__copy_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.secret = try arena.data(secret)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__copy_key_response__unpack).pointee
    return .changed(
      .copyKey, try KeyMessage.decode(fields.key), try Secret.received(fields.secret), revision: fields.revision)
  }
}
