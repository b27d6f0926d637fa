/// What stands before every message of gRPC, 5 bytes:
///
///     u8 compressed | u32be message length
package struct GRPCPrefix: Equatable, Sendable {
  /// 0, or 1 for a message that is compressed as the call's `grpc-encoding` says.
  package let flag: UInt8
  package let messageByteCount: Int

  package static let byteCount = 5
  /// The longest message that is sent, and the most that can be set as the longest that is taken: stock clients take no
  /// longer one unless they are told to.
  package static let maxMessageByteCount = 4 << 20

  package init(messageByteCount: Int) {
    flag = 0
    self.messageByteCount = messageByteCount
  }

  /// Reads a prefix.
  /// - Returns: nil where there are fewer than ``byteCount`` bytes.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount else { return nil }
    flag = bytes[0]
    messageByteCount = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
  }

  func write(to bytes: UnsafeMutableRawBufferPointer) {
    bytes[0] = flag
    bytes.storeBytes(of: UInt32(messageByteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
  }
}
