import CKeywardProto
import CProtobufC
package import KeywardCore

/// A call as ttrpc carries it: which method, with what, and until when. It lies in an arena and is good until that is
/// reset.
package struct TTRPCCall {
  package let method: Method
  /// Nanoseconds that the peer waits; nil for ever.
  package let timeoutNanoseconds: Int64?
  private let payload: UnsafeRawBufferPointer

  /// Decodes the data of a Request frame, but for the message in it: whether the peer may call the method at all is
  /// judged before anything is made of that.
  /// - Throws: INVALID_ARGUMENT for what cannot be decoded, UNIMPLEMENTED for a method that is not built or not for ttrpc,
  ///   DEADLINE_EXCEEDED for a negative timeout.
  package init(_ data: UnsafeRawBufferPointer, in arena: borrowing Arena) throws(CallError) {
    let envelope = try arena.unpack(data, ttrpc__request__unpack)
    let service = envelope.pointee.service
    let name = envelope.pointee.method
    guard let method = Method(service: service.bytes, name: name.bytes) else {
      throw Self.unimplemented(try service.text("service"), try name.text("method"))
    }
    guard !method.isStream else {
      throw CallError(
        .unimplemented,
        "\(method.service)/\(method.name) is answered with a stream: call it by gRPC, on the same socket")
    }
    for case let pair? in UnsafeBufferPointer(start: envelope.pointee.metadata, count: envelope.pointee.n_metadata) {
      try pair.pointee.key.checkText("metadata")
      try pair.pointee.value.checkText("metadata")
    }
    let timeout = envelope.pointee.timeout_nano
    guard timeout >= 0 else {
      throw CallError(.deadlineExceeded, "timeout_nano is negative: the call was over before it began")
    }
    self.method = method
    timeoutNanoseconds = timeout == 0 ? nil : timeout
    payload = envelope.pointee.payload.bytes
  }

  /// Decodes the message.
  /// - Throws: INVALID_ARGUMENT for one that cannot be decoded or that no key could have.
  package func request(in arena: Arena) throws(CallError) -> Request {
    try Request(method, payload: payload, in: arena)
  }

  private static func unimplemented(_ service: String, _ method: String) -> CallError {
    // What a peer makes up is not repeated at any length.
    let names = [service, method].map { String($0.unicodeScalars.prefix(128)) }
    return CallError(.unimplemented, "\(names[0])/\(names[1]) is not a method of this daemon")
  }
}

/// What goes out on a stream, and what the client reads from it.
package enum TTRPCEnvelope {
  // protobuf's tag of Response's payload: field 2, length-delimited.
  private static let payloadTag: UInt8 = 2 << 3 | 2

  /// Appends a Response frame with a reply, or with RESOURCE_EXHAUSTED where the reply is larger than a frame may
  /// be: a longer one would take the whole process of a Go client down.
  package static func append(_ reply: Reply, stream: UInt32, to output: inout ByteBuffer, in arena: Arena) {
    do throws(CallError) {
      try append(try reply.message(in: arena), stream: stream, to: &output)
    } catch {
      append(error, stream: stream, to: &output, in: arena)
    }
  }

  /// The most bytes of a reply to a ``PlainCall``: the payload has a tag, and a length of two bytes at most.
  package static let maxPlainReplyByteCount = FrameHeader.byteCount + 3 + PlainValidateKey.maxReplyByteCount

  /// As ``append(_:stream:to:in:)-(Reply,_,_,_)`` for a reply to a ``PlainCall``.
  @inline(__always)
  package static func append(_ validation: BriefValidation, stream: UInt32, to output: inout ByteBuffer) {
    let room = output.reserve(maxPlainReplyByteCount)
    guard let start = room.baseAddress else { return }
    var payload = start + FrameHeader.byteCount + 2
    var count = PlainValidateKey.encode(validation, to: payload) - payload
    if count > 0x7F {
      // The place is that of a length of one byte, which all but the longest names' replies have.
      (payload + 1).copyMemory(from: payload, byteCount: count)
      payload += 1
    }
    var writer = ProtobufWriter(start + FrameHeader.byteCount)
    writer.put(payloadTag)
    writer.varint(UInt64(count))
    count += payload - start
    FrameHeader(dataByteCount: count - FrameHeader.byteCount, streamID: stream, kind: .response).write(to: room)
    output.commit(count)
  }

  private static func append(_ message: Message, stream: UInt32, to output: inout ByteBuffer) throws(CallError) {
    let count = message.byteCount
    guard count <= FrameHeader.maxDataByteCount - 8 else {
      throw CallError(.resourceExhausted, "the reply is larger than 4 MiB: ask for less at once")
    }
    appendPayload(message, byteCount: count, stream: stream, to: &output)
  }

  /// Appends a Response frame with a status.
  package static func append(_ error: CallError, stream: UInt32, to output: inout ByteBuffer, in arena: Arena) {
    do throws(CallError) {
      let response = try arena.make(ttrpc__response__init)
      response.pointee.status = try StatusMessage.encode(error, in: arena)
      appendFrame(Message(response), stream: stream, kind: .response, to: &output)
    } catch {
      // Only a full arena comes here. Emptied, it holds any status there is; what filled it is no longer wanted.
      arena.reset()
      append(error, stream: stream, to: &output, in: arena)
    }
  }

  /// Appends a Request frame.
  /// - Throws: RESOURCE_EXHAUSTED for one larger than a frame may be.
  package static func append(
    _ request: OutgoingRequest, stream: UInt32, timeoutNanoseconds: Int64, to output: inout ByteBuffer,
    in arena: Arena
  ) throws(CallError) {
    let message = try request.message(in: arena)
    let payload = try arena.allocate(message.byteCount)
    protobuf_c_message_pack(message.base, payload.assumingMemoryBound(to: UInt8.self))
    let envelope = try arena.make(ttrpc__request__init)
    envelope.pointee.service = try arena.data("\(request.method.service)")
    envelope.pointee.method = try arena.data("\(request.method.name)")
    envelope.pointee.payload = ProtobufCBinaryData(
      len: message.byteCount, data: payload.assumingMemoryBound(to: UInt8.self))
    envelope.pointee.timeout_nano = timeoutNanoseconds
    guard Message(envelope).byteCount <= FrameHeader.maxDataByteCount else {
      throw CallError(.resourceExhausted, "the request is larger than 4 MiB: send less at once")
    }
    appendFrame(Message(envelope), stream: stream, kind: .request, to: &output)
  }

  /// Decodes the data of a Response frame.
  /// - Throws: the status that the daemon sent, or INVALID_ARGUMENT for what is no reply of the method.
  package static func decode(
    _ data: UnsafeRawBufferPointer, of method: Method, in arena: Arena
  ) throws(CallError) -> Result<Reply, CallError> {
    let envelope = try arena.unpack(data, ttrpc__response__unpack)
    if let status = envelope.pointee.status?.pointee, status.code != 0 {
      return .failure(try StatusMessage.decode(status, in: arena))
    }
    return .success(try Reply(method, payload: envelope.pointee.payload.bytes, in: arena))
  }

  /// The envelope round a payload is a tag and a length, written here so that the message is packed once, in place.
  private static func appendPayload(
    _ message: Message, byteCount: Int, stream: UInt32, to output: inout ByteBuffer
  ) {
    var length = [0, 0, 0, 0] as InlineArray<4, UInt8>
    var lengthCount = 0
    var rest = byteCount
    repeat {
      length[lengthCount] = UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0)
      lengthCount += 1
      rest >>= 7
    } while rest > 0
    let header = FrameHeader(dataByteCount: 1 + lengthCount + byteCount, streamID: stream, kind: .response)
    let room = output.reserve(FrameHeader.byteCount + header.dataByteCount)
    header.write(to: room)
    room[FrameHeader.byteCount] = payloadTag
    for index in 0..<lengthCount { room[FrameHeader.byteCount + 1 + index] = length[index] }
    output.commit(FrameHeader.byteCount + 1 + lengthCount)
    message.pack(into: &output, byteCount: byteCount)
  }

  private static func appendFrame(
    _ message: Message, stream: UInt32, kind: FrameHeader.Kind, to output: inout ByteBuffer
  ) {
    let count = message.byteCount
    let header = FrameHeader(dataByteCount: count, streamID: stream, kind: kind)
    header.write(to: output.reserve(FrameHeader.byteCount + count))
    output.commit(FrameHeader.byteCount)
    message.pack(into: &output, byteCount: count)
  }
}
