package import KeywardCore

/// Messages as gRPC carries them, each behind its ``GRPCPrefix``.
package enum GRPCEnvelope {
  /// Decodes the message of a call.
  /// - Throws: INVALID_ARGUMENT for one that cannot be decoded or that no key could have.
  package static func request(
    _ method: Method, _ message: UnsafeRawBufferPointer, in arena: Arena
  ) throws(CallError) -> Request {
    try Request(method, payload: message, in: arena)
  }

  /// Appends a reply.
  /// - Throws: RESOURCE_EXHAUSTED for one larger than stock clients take.
  package static func append(_ reply: Reply, to output: inout ByteBuffer, in arena: Arena) throws(CallError) {
    try append(try reply.message(in: arena), to: &output)
  }

  /// As ``append(_:to:in:)-(Reply,_,_)`` for a reply to a question that ``PlainValidateKey`` read.
  package static func append(_ validation: BriefValidation, to output: inout ByteBuffer) {
    let room = output.reserve(GRPCPrefix.byteCount + PlainValidateKey.maxReplyByteCount)
    guard let start = room.baseAddress.map({ $0 + GRPCPrefix.byteCount }) else { return }
    let count = PlainValidateKey.encode(validation, to: start) - start
    GRPCPrefix(messageByteCount: count).write(to: room)
    output.commit(GRPCPrefix.byteCount + count)
  }

  /// Appends a request.
  /// - Throws: RESOURCE_EXHAUSTED for one larger than a message may be.
  package static func append(
    _ request: OutgoingRequest, to output: inout ByteBuffer, in arena: Arena
  ) throws(CallError) {
    try append(try request.message(in: arena), to: &output)
  }

  /// Decodes what a call of a method was answered with.
  /// - Throws: INVALID_ARGUMENT for what is no reply of the method.
  package static func reply(
    _ method: Method, _ bytes: UnsafeRawBufferPointer, in arena: Arena
  ) throws(CallError) -> Reply {
    guard let prefix = GRPCPrefix(bytes), bytes.count == GRPCPrefix.byteCount + prefix.messageByteCount else {
      throw CallError(.invalidArgument, "the reply is not one whole message")
    }
    return try Reply(method, payload: UnsafeRawBufferPointer(rebasing: bytes[GRPCPrefix.byteCount...]), in: arena)
  }

  static func append(_ message: Message, to output: inout ByteBuffer) throws(CallError) {
    let count = message.byteCount
    guard count <= GRPCPrefix.maxMessageByteCount else {
      throw CallError(.resourceExhausted, "the reply is larger than 4 MiB: ask for less at once")
    }
    GRPCPrefix(messageByteCount: count).write(to: output.reserve(GRPCPrefix.byteCount + count))
    output.commit(GRPCPrefix.byteCount)
    message.pack(into: &output, byteCount: count)
  }
}
