/// A text that is put together piece by piece, without a string for each.
struct TextBuffer {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) {
    bytes.reserveCapacity(capacity)
  }

  mutating func add(_ byte: UInt8) {
    bytes.append(byte)
  }

  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  mutating func add(_ raw: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: raw)
  }

  /// Adds a number in decimal.
  mutating func add(_ number: Int64) {
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = number.magnitude
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    for index in start..<20 { bytes.append(digits[index]) }
  }

  /// Adds four bytes, big-endian, that count what `write` adds behind them.
  mutating func addCounted(_ write: (inout TextBuffer) -> Void) {
    let start = bytes.count
    add(count: 0)
    write(&self)
    let count = UInt32(truncatingIfNeeded: bytes.count - start - 4)
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32(index))) }
  }

  /// Adds four bytes, big-endian.
  mutating func add(count: UInt32) {
    withUnsafeBytes(of: count.bigEndian) { bytes.append(contentsOf: $0) }
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
