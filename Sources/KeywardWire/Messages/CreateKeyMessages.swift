import CKeywardProto
import KeywardCore

/// The messages of `KeyService.CreateKey`.
enum CreateKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__create_key_request__unpack).pointee
    let name = try fields.name.text("name")
    guard try fields.request_id.text("request_id").isEmpty else {
      throw CallError(.unimplemented, "request_id is not supported yet: leave it empty")
    }
    let key = CreateKey(
      name: try checked { () throws(DomainError) in try KeyName(name) }, permission: try permission(fields.permission),
      enabled: fields.disabled == 0, expireTime: try instant(fields.expire_time, "expire_time"))
    return .createKey(key)
  }

  static func encodeRequest(_ key: CreateKey, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__create_key_request__init)
    message.pointee.name = try arena.data(key.name.text)
    message.pointee.permission = key.permission.message
    message.pointee.disabled = key.enabled ? 0 : 1
    message.pointee.expire_time = try arena.timestamp(key.expireTime)
    return Message(message)
  }

  static func encodeReply(_ key: KeyView, _ secret: Secret, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__create_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.secret = try secret.withUnsafeBytes { (bytes) throws(CallError) in try arena.data(bytes) }
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__create_key_response__unpack).pointee
    try fields.secret.checkText("secret")
    return .createKey(try KeyMessage.decode(fields.key), Secret(copying: fields.secret.bytes))
  }
}
