import KeywardCore
import KeywardWire
import Testing

/// A suite that writes calls by hand and has them decoded.
protocol DecodesCalls {
  var arena: Arena { get }
}

extension DecodesCalls {
  func decode(
    _ service: String, _ method: String, _ payload: ProtoWriter, also: (inout ProtoWriter) -> Void = { _ in }
  ) throws(CallError) -> Request {
    try decode(
      ProtoWriter {
        $0.text(1, service)
        $0.text(2, method)
        $0.data(3, payload.bytes)
        also(&$0)
      }.bytes)
  }

  func decode(_ bytes: [UInt8]) throws(CallError) -> Request {
    // A copy of its exact size, so that a read past its end is one that tools see.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return try TTRPCCall(UnsafeRawBufferPointer(copy), in: arena).request(in: arena)
  }

  /// The change that a method of the key service is asked for.
  func change(_ method: String, _ fields: (inout ProtoWriter) -> Void) throws -> ChangeRequest {
    guard case .change(let request) = try decode("keyward.v1.KeyService", method, ProtoWriter(fields)) else {
      throw CallError(.internal, "\(method) is no change")
    }
    return request
  }

  func refusal(_ body: () throws(CallError) -> Request) -> CallError? {
    do throws(CallError) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  /// What a call to the key service is refused with.
  func refusal(of method: String, _ fields: (inout ProtoWriter) -> Void) -> CallError? {
    refusal { () throws(CallError) in try decode("keyward.v1.KeyService", method, ProtoWriter(fields)) }
  }
}

/// An id that a key could have.
let sampleID = "key_0123456789ABCDEFGHIJ"
