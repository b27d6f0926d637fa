/// The header of every ttrpc frame, 10 bytes:
///
///     u32be data length | u32be stream id | u8 type | u8 flags
///
/// PROTOCOL.md of this project and of containerd/ttrpc describe it.
package struct FrameHeader: Sendable, Equatable {
  /// Bytes of data that follow.
  package let dataByteCount: Int
  package let streamID: UInt32
  package let type: UInt8
  /// They matter on streams only, which keyward does not have: a unary call's are ignored.
  package let flags: UInt8

  package static let byteCount = 10
  /// The most data that a frame may carry: 4 MiB, so that a frame's first byte is always 0.
  package static let maxDataByteCount = 4 << 20

  package enum Kind: UInt8 {
    case request = 1
    case response = 2
    case data = 3
  }

  /// nil for a type that is not known.
  package var kind: Kind? { Kind(rawValue: type) }

  package init(dataByteCount: Int, streamID: UInt32, kind: Kind) {
    self.dataByteCount = dataByteCount
    self.streamID = streamID
    type = kind.rawValue
    flags = 0
  }

  /// Reads a header.
  /// - Returns: nil where there are fewer than ``byteCount`` bytes.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount else { return nil }
    dataByteCount = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
    streamID = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    type = bytes[8]
    flags = bytes[9]
  }

  func write(to bytes: UnsafeMutableRawBufferPointer) {
    bytes.storeBytes(of: UInt32(dataByteCount).bigEndian, as: UInt32.self)
    bytes.storeBytes(of: streamID.bigEndian, toByteOffset: 4, as: UInt32.self)
    bytes[8] = type
    bytes[9] = flags
  }
}
