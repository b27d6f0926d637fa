import Glibc
package import KeywardCore

/// A call of ``Method/validateKey`` as nearly all come: a Request frame without metadata, its fields in the order of
/// their numbers. It is read without protobuf-c, in a small part of the time, and what is presented is judged as far as
/// that goes without a look-up. Everything else, right or wrong, is a ``TTRPCCall``.
package struct PlainCall {
  package let question: PlainQuestion
  package let stream: UInt32
  /// Nanoseconds that the peer waits; nil for ever.
  package let timeoutNanoseconds: Int64?
  package let frameByteCount: Int

  /// The envelope up to the length of the payload: protobuf's tags and lengths, service and method.
  private static let start = StaticString("\u{0A}\u{1C}keyward.v1.ValidationService\u{12}\u{0B}ValidateKey\u{1A}")
  private static let payloadStart = FrameHeader.byteCount + start.utf8CodeUnitCount + 1
  private static let timeoutTag: UInt8 = 4 << 3

  /// - Parameter bytes: what has come, from the beginning of a frame.
  /// - Returns: nil where it does not begin with a whole call of this kind.
  @inline(__always)
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > Self.payloadStart, let header = FrameHeader(bytes), header.kind == .request,
      header.streamID % 2 == 1, header.dataByteCount <= bytes.count - FrameHeader.byteCount,
      let data = bytes.baseAddress.map({ $0 + FrameHeader.byteCount }),
      memcmp(data, Self.start.utf8Start, Self.start.utf8CodeUnitCount) == 0
    else { return nil }
    frameByteCount = FrameHeader.byteCount + header.dataByteCount
    let payloadEnd = Self.payloadStart + Int(bytes[Self.payloadStart - 1])
    // A length of up to 127 has one byte.
    guard bytes[Self.payloadStart - 1] < 0x80, payloadEnd <= frameByteCount,
      let timeout = Self.timeout(bytes[payloadEnd..<frameByteCount]),
      let question = PlainValidateKey.decode(UnsafeRawBufferPointer(rebasing: bytes[Self.payloadStart..<payloadEnd]))
    else { return nil }
    self.question = question
    stream = header.streamID
    timeoutNanoseconds = timeout > 0 ? timeout : nil
  }

  /// - Parameter bytes: the field of the timeout, or nothing.
  /// - Returns: 0 where there is none; nil for anything else, and for a timeout that is negative.
  @inline(__always)
  private static func timeout(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int64? {
    guard let tag = bytes.first else { return 0 }
    // Nine bytes hold every number that is not negative.
    guard tag == timeoutTag, bytes.count <= 10 else { return nil }
    var value: Int64 = 0
    var shift: Int64 = 0
    for (place, byte) in bytes.dropFirst().enumerated() {
      value |= Int64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { return place == bytes.count - 2 ? value : nil }
    }
    return nil
  }
}
