import CKeywardProto

/// Whether a service can do its work, as `grpc.health.v1` has it.
package enum ServingStatus: UInt32, Sendable {
  case serving = 1
  case notServing = 2
  /// Told by Watch alone.
  case serviceUnknown = 3
}

/// The messages of `grpc.health.v1.Health`.
package enum HealthMessages {
  /// - Returns: the service asked for; empty for the whole server.
  package static func decodeRequest(_ message: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> String {
    try arena.unpack(message, grpc__health__v1__health_check_request__unpack).pointee.service.text("service")
  }
}

extension StreamMessage {
  /// A `HealthCheckResponse`: one field, of which the value is one byte.
  package init(_ status: ServingStatus) {
    self.init(payload: [1 << 3, UInt8(status.rawValue)])
  }
}
