import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `ValidationService.ValidateKey`.
enum ValidateKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    .validateKey(try question(try arena.unpack(payload, keyward__v1__validate_key_request__unpack).pointee))
  }

  static func encodeRequest(
    _ secret: Secret, _ permission: Permission, asOf: Instant?, in arena: Arena
  ) throws(CallError) -> Message {
    Message(try encode(secret, permission, asOf: asOf, in: arena))
  }

  static func encodeReply(_ validation: Validation, in arena: Arena) throws(CallError) -> Message {
    Message(try encode(validation, in: arena))
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__validate_key_response__unpack).pointee
    return .validateKey(try validation(fields))
  }
}

/// One secret and its verdict, alone or among others.
extension ValidateKeyMessages {
  /// The secret is judged as far as it can be and then left behind in the arena, which is wiped.
  static func question(_ fields: Keyward__V1__ValidateKeyRequest) throws(CallError) -> Question {
    try fields.secret.checkText("secret")
    let permission = try permission(fields.permission)
    return Question(
      secret: PresentedSecret(fields.secret.bytes), permission: permission,
      asOf: try instant(fields.as_of_time, "as_of_time"))
  }

  static func encode(
    _ secret: Secret, _ permission: Permission, asOf: Instant?, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__ValidateKeyRequest> {
    let message = try arena.make(keyward__v1__validate_key_request__init)
    message.pointee.secret = try arena.data(secret)
    message.pointee.permission = permission.message
    message.pointee.as_of_time = try arena.timestamp(asOf)
    return message
  }

  static func encode(
    _ validation: Validation, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__ValidateKeyResponse> {
    let message = try arena.make(keyward__v1__validate_key_response__init)
    message.pointee.verdict = Keyward__V1__Verdict(rawValue: UInt32(validation.verdict.rawValue))
    if let subject = validation.subject {
      message.pointee.key_id = try arena.data(subject.id)
      message.pointee.name = try arena.data(subject.name)
      message.pointee.valid_until_time = try arena.timestamp(subject.validUntil)
      message.pointee.revision = subject.revision
    }
    message.pointee.retry_time = try arena.timestamp(validation.retryTime)
    return message
  }

  static func validation(_ fields: Keyward__V1__ValidateKeyResponse) throws(CallError) -> Validation {
    guard let verdict = UInt8(exactly: fields.verdict.rawValue).flatMap(Verdict.init(rawValue:)) else {
      throw CallError(.invalidArgument, "verdict \(fields.verdict.rawValue) is not known")
    }
    guard fields.key_id.len > 0 else { return Validation(verdict) }
    let subject = Validation.Subject(
      id: try fields.key_id.keyID("key_id"), name: KeyName(checked: try fields.name.text("name")),
      validUntil: try instant(fields.valid_until_time, "valid_until_time"), revision: fields.revision)
    return Validation(verdict, subject: subject, retryTime: try instant(fields.retry_time, "retry_time"))
  }
}
