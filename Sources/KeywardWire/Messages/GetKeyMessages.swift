import CKeywardProto
import KeywardCore

/// The messages of `KeyService.GetKey`.
enum GetKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__get_key_request__unpack).pointee
    let id = try fields.id.text("id")
    let name = try fields.name.text("name")
    guard id.isEmpty != name.isEmpty else {
      throw CallError(field: "id", "and name are \(id.isEmpty ? "empty" : "both given"): give exactly one of them")
    }
    guard id.isEmpty else { return .getKey(.id(try fields.id.keyID("id"))) }
    return .getKey(.name(try checked { () throws(DomainError) in try KeyName(name) }))
  }

  static func encodeRequest(_ selector: KeySelector, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__get_key_request__init)
    switch selector {
    case .id(let id): message.pointee.id = try arena.data(id)
    case .name(let name): message.pointee.name = try arena.data(name.text)
    }
    return Message(message)
  }

  static func encodeReply(_ key: KeyView, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__get_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__get_key_response__unpack).pointee
    return .getKey(try KeyMessage.decode(fields.key), revision: fields.revision)
  }
}
