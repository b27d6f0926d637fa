/// One message of a stream, encoded behind its prefix: once, for however many streams it goes out on.
///
/// Not for secrets: its memory is not wiped.
package struct StreamMessage: Sendable {
  package let bytes: [UInt8]

  /// - Throws: RESOURCE_EXHAUSTED for one larger than stock clients take.
  init(_ message: Message) throws(CallError) {
    var output = ByteBuffer()
    try GRPCEnvelope.append(message, to: &output)
    bytes = Array(output.bytes)
  }

  /// - Parameter payload: the message itself, short.
  init(payload: [UInt8]) {
    var prefix = [UInt8](repeating: 0, count: GRPCPrefix.byteCount)
    prefix.withUnsafeMutableBytes { GRPCPrefix(messageByteCount: payload.count).write(to: $0) }
    bytes = prefix + payload
  }
}
