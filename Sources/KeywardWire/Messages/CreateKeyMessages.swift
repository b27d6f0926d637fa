import CKeywardProto
import KeywardCore

/// The messages of `KeyService.CreateKey`.
enum CreateKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__create_key_request__unpack).pointee
    let name = try fields.name.text("name")
    let key = CreateKey(
      name: try checked { () throws(DomainError) in try KeyName(name) }, permission: try permission(fields.permission),
      enabled: fields.disabled == 0, expireTime: try instant(fields.expire_time, "expire_time"),
      rateLimit: try rateLimit(fields.rate_limit), useLimit: try useLimit(fields.use_limit))
    return .change(ChangeRequest(.create(key), requestID: try fields.request_id.requestID()))
  }

  static func encodeRequest(
    _ key: CreateKey, requestID: RequestID?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__create_key_request__init)
    message.pointee.name = try arena.data(key.name.text)
    message.pointee.permission = key.permission.message
    message.pointee.disabled = key.enabled ? 0 : 1
    message.pointee.expire_time = try arena.timestamp(key.expireTime)
    message.pointee.rate_limit = try arena.rateLimit(key.rateLimit)
    message.pointee.use_limit = try arena.useLimit(key.useLimit)
    message.pointee.request_id = try arena.data(requestID?.text ?? "")
    return Message(message)
  }

  static func encodeReply(
    _ key: KeyView, _ secret: Secret?, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__create_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.secret = try arena.data(secret)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__create_key_response__unpack).pointee
    return .changed(
      .createKey, try KeyMessage.decode(fields.key), try Secret.received(fields.secret), revision: fields.revision)
  }
}
