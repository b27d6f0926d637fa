import KeywardCore

/// Writes protobuf's fields one after the other into memory that has room for them.
///
/// For the few messages that every call pays for; all others are protobuf-c's. What has its default value is left out,
/// as it does.
struct ProtobufWriter {
  /// Where the next byte goes.
  private(set) var end: UnsafeMutableRawPointer

  /// The most bytes of a number.
  static let maxVarintByteCount = 10

  init(_ start: UnsafeMutableRawPointer) {
    end = start
  }

  mutating func number(_ field: UInt8, _ value: UInt64) {
    guard value != 0 else { return }
    put(field << 3)
    varint(value)
  }

  /// A field of some bytes, which `write` puts where it is told.
  @inline(__always)
  mutating func bytes(_ field: UInt8, count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
    guard count > 0 else { return }
    put(field << 3 | 2)
    varint(UInt64(count))
    write(end)
    end += count
  }

  mutating func timestamp(_ field: UInt8, _ instant: Instant) {
    put(field << 3 | 2)
    // Its length comes first, and is known last: two numbers, and so of one byte.
    let length = end
    end += 1
    number(1, UInt64(bitPattern: instant.seconds))
    number(2, UInt64(instant.nanoseconds))
    length.storeBytes(of: UInt8(end - length - 1), as: UInt8.self)
  }

  @inline(__always)
  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(rest))
  }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    end.storeBytes(of: byte, as: UInt8.self)
    end += 1
  }
}
