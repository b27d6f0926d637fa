import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `ValidationService.ValidateKey`.
enum ValidateKeyMessages {
  /// The secret is judged as far as it can be and then left behind in the arena, which is wiped.
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__validate_key_request__unpack)
    try fields.pointee.secret.checkText("secret")
    let permission = try permission(fields.pointee.permission)
    return .validateKey(PresentedSecret(fields.pointee.secret.bytes), permission)
  }

  static func encodeRequest(
    _ secret: Secret, _ permission: Permission, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__validate_key_request__init)
    message.pointee.secret = try secret.withUnsafeBytes { (bytes) throws(CallError) in try arena.data(bytes) }
    message.pointee.permission = permission.message
    return Message(message)
  }

  static func encodeReply(_ validation: Validation, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__validate_key_response__init)
    message.pointee.verdict = Keyward__V1__Verdict(rawValue: UInt32(validation.verdict.rawValue))
    if let subject = validation.subject {
      message.pointee.key_id = try arena.data(subject.id)
      message.pointee.name = try arena.data(subject.name.text)
      message.pointee.valid_until_time = try arena.timestamp(subject.validUntil)
      message.pointee.revision = subject.revision
    }
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__validate_key_response__unpack).pointee
    guard let verdict = UInt8(exactly: fields.verdict.rawValue).flatMap(Verdict.init(rawValue:)) else {
      throw CallError(.invalidArgument, "verdict \(fields.verdict.rawValue) is not known")
    }
    guard fields.key_id.len > 0 else { return .validateKey(Validation(verdict)) }
    guard let id = KeyID(try fields.key_id.text("key_id")) else {
      throw CallError(.invalidArgument, "key_id is not a key's id")
    }
    let subject = Validation.Subject(
      id: id, name: KeyName(checked: try fields.name.text("name")),
      validUntil: try instant(fields.valid_until_time, "valid_until_time"), revision: fields.revision)
    return .validateKey(Validation(verdict, subject: subject))
  }
}
