import CKeywardProto
import KeywardCore

/// The messages of `KeyService.RotateKey`.
enum RotateKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__rotate_key_request__unpack).pointee
    let id = try fields.id.keyID("id")
    let seconds = try Self.seconds(fields.grace_period)
    let rotation = try checked { () throws(DomainError) in try RotateKey(graceSeconds: seconds) }
    return .change(
      ChangeRequest(
        .rotate(id, rotation), etag: try fields.etag.etag(), requestID: try fields.request_id.requestID()))
  }

  static func encodeRequest(
    _ id: KeyID, _ rotation: RotateKey, etag: Revision?, requestID: RequestID?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__rotate_key_request__init)
    message.pointee.id = try arena.data(id)
    message.pointee.grace_period = try arena.make(google__protobuf__duration__init)
    message.pointee.grace_period.pointee.seconds = rotation.graceSeconds
    message.pointee.request_id = try arena.data(requestID?.text ?? "")
    message.pointee.etag = try arena.data(etag: etag)
    return Message(message)
  }

  static func encodeReply(
    _ key: KeyView, _ secret: Secret?, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__rotate_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.secret = try arena.data(secret)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__rotate_key_response__unpack).pointee
    return .changed(
      .rotateKey, try KeyMessage.decode(fields.key), try Secret.received(fields.secret), revision: fields.revision)
  }

  /// Whole seconds, rounded up, so that no grace is shorter than was asked for; 0 where none is given.
  /// - Throws: INVALID_ARGUMENT where seconds and nanoseconds do not go together.
  private static func seconds(_ message: UnsafeMutablePointer<Google__Protobuf__Duration>?) throws(CallError) -> Int64 {
    guard let message else { return 0 }
    let (seconds, nanos) = (message.pointee.seconds, message.pointee.nanos)
    guard (-999_999_999...999_999_999).contains(nanos), seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
    else { throw CallError(field: "grace_period", "is no duration: its nanos do not go with its seconds") }
    // A grace below zero stays there, and what is far too long stays too long.
    if nanos < 0 { return min(seconds, -1) }
    return nanos > 0 && seconds < .max ? seconds + 1 : seconds
  }
}
