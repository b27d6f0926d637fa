import CKeywardProto
import KeywardCore

/// The messages of `ControlService.Reload`.
enum ReloadMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    _ = try arena.unpack(payload, keyward__v1__reload_request__unpack)
    return .reload
  }

  static func encodeRequest(in arena: Arena) throws(CallError) -> Message {
    Message(try arena.make(keyward__v1__reload_request__init))
  }

  static func encodeReply(revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__reload_response__init)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    .reload(revision: try arena.unpack(payload, keyward__v1__reload_response__unpack).pointee.revision)
  }
}
