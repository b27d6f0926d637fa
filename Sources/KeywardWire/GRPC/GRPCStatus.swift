import KeywardCore

/// How a call of gRPC ended, as its last header fields tell it.
package enum GRPCStatus {
  /// The error of a call that failed.
  /// - Parameters:
  ///   - code: the value of `grpc-status`; nil where there is none, likewise the others.
  ///   - message: of `grpc-message`.
  ///   - details: of `grpc-status-details-bin`, which is believed where it is there.
  /// - Throws: INVALID_ARGUMENT for fields that make no sense.
  package static func error(
    code: String?, message: String?, details: String?, in arena: Arena
  ) throws(CallError) -> CallError {
    guard let number = code.flatMap({ Int32($0) }) else {
      throw CallError(.invalidArgument, "grpc-status is missing or no number")
    }
    guard let details else {
      let words = HeaderText.percentDecoded(message ?? "")
      return CallError(StatusCode(rawValue: number) ?? .unknown, words)
    }
    guard let bytes = HeaderText.bytes(base64: details) else {
      throw CallError(.invalidArgument, "grpc-status-details-bin is not base64")
    }
    return try StatusMessage.error(from: bytes, in: arena)
  }
}
