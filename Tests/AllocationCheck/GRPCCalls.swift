import Glibc
import KeywardCore
import KeywardWire
import TestSupport

/// The validations over gRPC, in frames whose stream ids go up from round to round. It takes nothing from the heap once it
/// is made.
final class GRPCCalls {
  private static let frameHeaderByteCount = 9

  /// What a connection begins with: as much room for replies as there is.
  static let opening =
    HTTP2Peer.preface + HTTP2Peer.settings([]).bytes + HTTP2Peer.windowUpdate(0, 0x7FFF_0000).bytes

  private let bytes: UnsafeMutableRawBufferPointer
  /// Where frames begin, two for each call.
  private let starts: [Int]
  private var nextStream: UInt32 = 1

  init(_ count: Int) throws {
    let arena = Arena()
    var all: [UInt8] = []
    var starts: [Int] = []
    for number in 0..<count {
      var message = ByteBuffer()
      try GRPCEnvelope.append(.validateKey(.sample(number), .chat, asOf: nil), to: &message, in: arena)
      arena.reset()
      starts.append(all.count)
      all += HTTP2Peer.headers(1, HTTP2Peer.fields("/keyward.v1.ValidationService/ValidateKey")).bytes
      starts.append(all.count)
      all += HTTP2Peer.Frame(.data, .endStream, stream: 1, Array(message.bytes)).bytes
    }
    bytes = .allocate(byteCount: all.count, alignment: 16)
    bytes.copyBytes(from: all)
    self.starts = starts
  }

  /// Has every call answered once.
  /// - Returns: whether they were.
  func exchange(_ replies: UnsafeMutableRawBufferPointer, on fd: Int32) -> Bool {
    for (index, start) in starts.enumerated() {
      let stream = nextStream + UInt32(index / 2) * 2
      bytes.storeBytes(of: stream.bigEndian, toByteOffset: start + 5, as: UInt32.self)
    }
    nextStream += UInt32(starts.count)
    var sent = 0
    while sent < bytes.count {
      let count = write(fd, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
      guard count > 0 else { return false }
      sent += count
    }
    return takeAnswers(replies, on: fd)
  }

  private func takeAnswers(_ replies: UnsafeMutableRawBufferPointer, on fd: Int32) -> Bool {
    var (received, next, answered) = (0, 0, 0)
    while true {
      while received >= next + Self.frameHeaderByteCount {
        let length = Int(replies[next]) << 16 | Int(replies[next + 1]) << 8 | Int(replies[next + 2])
        guard received >= next + Self.frameHeaderByteCount + length else { break }
        // Each answer ends with a block of fields that ends the stream.
        if replies[next + 3] == 1, replies[next + 4] & 1 == 1 { answered += 1 }
        next += Self.frameHeaderByteCount + length
      }
      if answered == starts.count / 2 { return next == received }
      let count = read(fd, replies.baseAddress.map { $0 + received }, replies.count - received)
      guard count > 0 else { return false }
      received += count
    }
  }
}
