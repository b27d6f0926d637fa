import CNghttp2
import KeywardCore
import KeywardWire

/// The header fields of replies. Those that never change lie in memory that nghttp2 reads them from.
enum HeaderFields {
  typealias List = UnsafeBufferPointer<nghttp2_nv>

  /// What goes before the messages of a reply.
  nonisolated(unsafe) static let reply = fixed([(":status", "200"), ("content-type", "application/grpc")])
  /// What ends a reply that is all right.
  nonisolated(unsafe) static let ok = fixed([("grpc-status", "0")])

  nonisolated(unsafe) private static let compression = fixed([("grpc-accept-encoding", Compression.names)])
  nonisolated(unsafe) private static let allow = fixed([("allow", "POST")])

  /// What ends a reply that failed, good while `body` runs.
  /// - Parameter isAlone: nothing of the reply has gone before.
  static func withStatus(_ error: CallError, isAlone: Bool, in arena: Arena, _ body: (List) -> Void) {
    let code = Array("\(error.code.rawValue)".utf8)
    let message = HeaderText.percentEncoded(error.message)
    var fields: [(StaticString, [UInt8])] = [("grpc-status", code), ("grpc-message", message)]
    // Only a full arena leaves the details out: what is in it may be of use still.
    if let details = try? StatusMessage.bytes(of: error, in: arena) {
      fields.append(("grpc-status-details-bin", HeaderText.base64(details)))
    }
    withFields(fields, after: isAlone ? Array(reply) + Array(compression) : [], body)
  }

  /// An answer of HTTP alone, good while `body` runs.
  static func withHTTPStatus(_ status: HTTPStatus, _ body: (List) -> Void) {
    withFields([(":status", Array("\(status.rawValue)".utf8))], after: []) { first in
      let all = Array(first) + (status == .methodNotAllowed ? Array(allow) : [])
      all.withUnsafeBufferPointer(body)
    }
  }

  /// - Parameter fields: what changes from reply to reply, and so is kept out of the peer's table.
  private static func withFields(
    _ fields: [(StaticString, [UInt8])], after first: [nghttp2_nv], _ body: (List) -> Void
  ) {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: fields.reduce(0) { $0 + $1.1.count })
    defer { memory.deallocate() }
    var all = first
    var position = 0
    for (name, value) in fields {
      let end = position + value.count
      let copy = UnsafeMutableBufferPointer(rebasing: memory[position..<end])
      _ = copy.initialize(from: value)
      all.append(field(name, copy.baseAddress, value.count, NGHTTP2_NV_FLAG_NO_INDEX))
      position = end
    }
    all.withUnsafeBufferPointer(body)
  }

  private static func fixed(_ fields: [(StaticString, StaticString)]) -> List {
    let list = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: fields.count)
    for (index, (name, value)) in fields.enumerated() {
      list.initializeElement(
        at: index,
        to: field(
          name, UnsafeMutablePointer(mutating: value.utf8Start), value.utf8CodeUnitCount,
          NGHTTP2_NV_FLAG_NO_COPY_VALUE))
    }
    return UnsafeBufferPointer(list)
  }

  private static func field(
    _ name: StaticString, _ value: UnsafeMutablePointer<UInt8>?, _ count: Int, _ flag: nghttp2_nv_flag
  ) -> nghttp2_nv {
    nghttp2_nv(
      name: UnsafeMutablePointer(mutating: name.utf8Start), value: value, namelen: name.utf8CodeUnitCount,
      valuelen: count, flags: UInt8(flag.rawValue | NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue))
  }
}
