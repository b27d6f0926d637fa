import CKeywardProto
import CProtobufC
package import KeywardCore

/// The messages of `KeyService.WatchKeys`.
enum WatchKeysMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__watch_keys_request__unpack).pointee
    return .watchKeys(after: fields.start_revision)
  }

  static func encodeRequest(after revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__watch_keys_request__init)
    message.pointee.start_revision = revision
    return Message(message)
  }

  static func encodeReply(_ event: WatchEvent, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__watch_keys_response__init)
    message.pointee.revision = event.revision
    if case .change(let change) = event {
      message.pointee.type = change.type.message
      message.pointee.key = try KeyMessage.encode(change.key, in: arena)
      message.pointee.event_time = try arena.timestamp(change.time)
    }
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__watch_keys_response__unpack).pointee
    guard fields.type.rawValue != 0 else { return .watchKeys(.caughtUp(fields.revision)) }
    guard let type = ChangeType(fields.type) else {
      throw CallError(.invalidArgument, "type \(fields.type.rawValue) is not known")
    }
    return .watchKeys(
      .change(
        KeyEventView(
          revision: fields.revision, type: type, time: try requiredInstant(fields.event_time, "event_time"),
          key: try KeyMessage.decode(fields.key))))
  }
}

extension StreamMessage {
  /// A `WatchKeysResponse`.
  package init(_ event: WatchEvent, in arena: Arena) throws(CallError) {
    try self.init(try WatchKeysMessages.encodeReply(event, in: arena))
  }
}
