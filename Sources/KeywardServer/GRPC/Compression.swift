import CZlib
import KeywardCore
import KeywardWire

/// How the messages of a request are compressed, where their prefix says that they are.
enum Compression {
  case identity
  case gzip

  /// The names of all, for `grpc-accept-encoding`.
  static let names: StaticString = "identity,gzip"

  /// - Returns: nil for one that is not known.
  init?(_ name: UnsafeRawBufferPointer) {
    if name.equals("identity") {
      self = .identity
    } else if name.equals("gzip") {
      self = .gzip
    } else {
      return nil
    }
  }

  /// Undoes `gzip`: one member and nothing after it.
  /// - Parameter limit: bytes that may come out, however few go in.
  /// - Throws: INTERNAL for bytes that are no gzip, as gRPC has it; RESOURCE_EXHAUSTED past the limit.
  static func gunzip(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(CallError) -> ByteBuffer {
    var stream = z_stream()
    guard keyward_gunzip_begin(&stream) == Z_OK else { throw .memoryIsShort }
    defer { inflateEnd(&stream) }
    // zlib does not write to what it reads.
    stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(bytes.count)
    var output = ByteBuffer()
    while true {
      // One byte more than may be, to see that there is more.
      let room = output.reserve(min(max(bytes.count, 1024), limit + 1 - output.count))
      let offered = min(room.count, limit + 1 - output.count)
      stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(offered)
      let status = inflate(&stream, Z_NO_FLUSH)
      output.commit(offered - Int(stream.avail_out))
      guard output.count <= limit else { throw .messageTooLong(limit) }
      if status == Z_STREAM_END, stream.avail_in == 0 { return output }
      guard status == Z_OK, stream.avail_out == 0 else { throw .notGzip }
    }
  }
}
