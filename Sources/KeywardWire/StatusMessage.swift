import CKeywardProto
import CProtobufC
import KeywardCore

/// `google.rpc.Status`, which tells a failed call's error: in ttrpc's response, and in gRPC's
/// `grpc-status-details-bin`.
package enum StatusMessage {
  private static let typePrefix = "type.googleapis.com/google.rpc."

  static func encode(
    _ error: CallError, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Rpc__Status> {
    let status = try arena.make(google__rpc__status__init)
    status.pointee.code = error.code.rawValue
    status.pointee.message = try arena.data(error.message)
    var details = [try pack("ErrorInfo", try errorInfo(error, arena), in: arena)]
    if !error.violations.isEmpty {
      details.append(try pack("BadRequest", try badRequest(error.violations, arena), in: arena))
    }
    if let seconds = error.retrySeconds {
      details.append(try pack("RetryInfo", try retryInfo(seconds, arena), in: arena))
    }
    status.pointee.details = try arena.array(details)
    status.pointee.n_details = details.count
    return status
  }

  /// The message's bytes.
  package static func bytes(of error: CallError, in arena: Arena) throws(CallError) -> [UInt8] {
    let message = Message(try encode(error, in: arena))
    var output = ByteBuffer()
    message.pack(into: &output, byteCount: message.byteCount)
    return Array(output.bytes)
  }

  /// The error that a message's bytes tell.
  /// - Throws: INVALID_ARGUMENT for what is no such message.
  package static func error(from bytes: [UInt8], in arena: Arena) throws(CallError) -> CallError {
    var output = ByteBuffer()
    bytes.withUnsafeBytes { output.append($0) }
    return try decode(try arena.unpack(output.bytes, google__rpc__status__unpack).pointee, in: arena)
  }

  /// - Throws: INVALID_ARGUMENT for texts that are none.
  static func decode(_ status: Google__Rpc__Status, in arena: Arena) throws(CallError) -> CallError {
    let code = StatusCode(rawValue: status.code) ?? .unknown
    var reason: ErrorReason?
    var violations: [CallError.FieldViolation] = []
    var retrySeconds: Int?
    var revisions: [CallError.NamedRevision: Revision] = [:]
    for case let detail? in UnsafeBufferPointer(start: status.details, count: status.n_details) {
      let value = detail.pointee.value.bytes
      switch try detail.pointee.type_url.text("type_url") {
      case typePrefix + "ErrorInfo":
        let info = try arena.unpack(value, google__rpc__error_info__unpack).pointee
        reason = ErrorReason(rawValue: try info.reason.text("reason"))
        for case let entry? in UnsafeBufferPointer(start: info.metadata, count: info.n_metadata) {
          guard let name = CallError.NamedRevision(rawValue: try entry.pointee.key.text("key")) else { continue }
          revisions[name] = Revision(try entry.pointee.value.text("value"))
        }
      case typePrefix + "BadRequest":
        let request = try arena.unpack(value, google__rpc__bad_request__unpack).pointee
        let fields = UnsafeBufferPointer(start: request.field_violations, count: request.n_field_violations)
        for case let field? in fields {
          violations.append(
            CallError.FieldViolation(
              field: try field.pointee.field.text("field"), text: try field.pointee.description.text("description")))
        }
      case typePrefix + "RetryInfo":
        let info = try arena.unpack(value, google__rpc__retry_info__unpack).pointee
        retrySeconds = info.retry_delay.map { Int($0.pointee.seconds) }
      default: break
      }
    }
    return CallError(
      code, try status.message.text("status.message"), reason ?? ErrorReason(of: code), violations, retrySeconds,
      revisions)
  }

  private static func pack<Generated>(
    _ name: String, _ message: UnsafeMutablePointer<Generated>, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Protobuf__Any>? {
    let message = Message(message)
    let count = message.byteCount
    let value = try arena.allocate(count).assumingMemoryBound(to: UInt8.self)
    protobuf_c_message_pack(message.base, value)
    let any = try arena.make(google__protobuf__any__init)
    any.pointee.type_url = try arena.data(typePrefix + name)
    any.pointee.value = ProtobufCBinaryData(len: count, data: value)
    return any
  }

  private static func errorInfo(
    _ error: CallError, _ arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Rpc__ErrorInfo> {
    let info = try arena.make(google__rpc__error_info__init)
    info.pointee.reason = try arena.data(error.reason.rawValue)
    info.pointee.domain = try arena.data(ErrorReason.domain)
    let revisions = CallError.NamedRevision.allCases.compactMap { name in error.revisions[name].map { (name, $0) } }
    info.pointee.metadata = try arena.array(revisions) {
      (entry: (name: CallError.NamedRevision, revision: Revision)) throws(CallError)
        -> UnsafeMutablePointer<Google__Rpc__ErrorInfo__MetadataEntry>? in
      let field = try arena.make(google__rpc__error_info__metadata_entry__init)
      field.pointee.key = try arena.data(entry.name.rawValue)
      field.pointee.value = try arena.data(String(entry.revision))
      return field
    }
    info.pointee.n_metadata = revisions.count
    return info
  }

  private static func badRequest(
    _ violations: [CallError.FieldViolation], _ arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Rpc__BadRequest> {
    let request = try arena.make(google__rpc__bad_request__init)
    request.pointee.field_violations = try arena.array(violations) {
      (violation: CallError.FieldViolation) throws(CallError)
        -> UnsafeMutablePointer<Google__Rpc__BadRequest__FieldViolation>? in
      let field = try arena.make(google__rpc__bad_request__field_violation__init)
      field.pointee.field = try arena.data(violation.field)
      field.pointee.description = try arena.data(violation.text)
      return field
    }
    request.pointee.n_field_violations = violations.count
    return request
  }

  private static func retryInfo(
    _ seconds: Int, _ arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Rpc__RetryInfo> {
    let info = try arena.make(google__rpc__retry_info__init)
    info.pointee.retry_delay = try arena.make(google__protobuf__duration__init)
    info.pointee.retry_delay.pointee.seconds = Int64(seconds)
    return info
  }
}
