import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `ValidationService.ValidateKeys`.
enum ValidateKeysMessages {
  /// How many secrets one call may hold.
  static let maxCount = 100

  /// As with one secret, the secrets are judged as far as they can be and then left behind in the arena.
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__validate_keys_request__unpack).pointee
    guard (1...maxCount).contains(fields.n_requests) else {
      throw CallError(field: "requests", "has \(fields.n_requests) entries: give 1 to \(maxCount)")
    }
    var questions: [Question] = []
    for (index, entry) in UnsafeBufferPointer(start: fields.requests, count: fields.n_requests).enumerated() {
      guard let entry = entry?.pointee else { continue }
      do throws(CallError) {
        questions.append(try ValidateKeyMessages.question(entry))
      } catch {
        throw error.ofEntry("requests[\(index)]", separator: ": ")
      }
    }
    return .validateKeys(questions)
  }

  static func encodeRequest(
    _ questions: [(secret: Secret, permission: Permission)], asOf: Instant?, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__validate_keys_request__init)
    message.pointee.requests = try arena.array(questions) { (question) throws(CallError) in
      try ValidateKeyMessages.encode(question.secret, question.permission, asOf: asOf, in: arena)
    }
    message.pointee.n_requests = questions.count
    return Message(message)
  }

  static func encodeReply(
    _ validations: [Validation], revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__validate_keys_response__init)
    message.pointee.responses = try arena.array(validations) { (validation) throws(CallError) in
      try ValidateKeyMessages.encode(validation, in: arena)
    }
    message.pointee.n_responses = validations.count
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__validate_keys_response__unpack).pointee
    var validations: [Validation] = []
    for case let message? in UnsafeBufferPointer(start: fields.responses, count: fields.n_responses) {
      validations.append(try ValidateKeyMessages.validation(message.pointee))
    }
    return .validateKeys(validations, revision: fields.revision)
  }
}
