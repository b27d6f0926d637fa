/// Protocol buffers written by hand, so that what the codecs make of them is not judged by themselves.
struct ProtoWriter {
  private(set) var bytes: [UInt8] = []

  init(_ fields: (inout ProtoWriter) -> Void = { _ in }) {
    fields(&self)
  }

  mutating func varint(_ field: Int, _ value: UInt64) {
    raw(UInt64(field << 3))
    raw(value)
  }

  mutating func text(_ field: Int, _ text: String) {
    data(field, Array(text.utf8))
  }

  mutating func data(_ field: Int, _ data: [UInt8]) {
    raw(UInt64(field << 3 | 2))
    raw(UInt64(data.count))
    bytes += data
  }

  mutating func message(_ field: Int, _ fields: (inout ProtoWriter) -> Void) {
    data(field, ProtoWriter(fields).bytes)
  }

  private mutating func raw(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

extension String {
  /// The bytes that a hexadecimal dump stands for; white space is passed over.
  var hexadecimal: [UInt8] {
    let digits = filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
