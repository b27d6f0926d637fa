import CProtobufC
import KeywardCore

/// Text on the wire. The C is generated with `bytes` for every `string` (proto/generate says why), so each text
/// passes through here.
extension ProtobufCBinaryData {
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: len) }

  /// The text of a field.
  /// - Throws: INVALID_ARGUMENT for bad UTF-8 and for an embedded NUL.
  func text(_ field: StaticString) throws(CallError) -> String {
    try checkText(field)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Checks a field's text and makes no copy of it.
  func checkText(_ field: StaticString) throws(CallError) {
    // Eight bytes at a time as long as they are ASCII, as secrets are.
    var rest = bytes[...]
    while rest.count >= 8 {
      let word = bytes.loadUnaligned(fromByteOffset: rest.startIndex, as: UInt64.self)
      guard (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0 else { break }
      rest = rest.dropFirst(8)
    }
    var seen: UInt8 = 0
    for byte in rest {
      guard byte != 0 else {
        throw CallError(field: "\(field)", "holds a NUL character: leave it out")
      }
      seen |= byte
    }
    guard seen >= 0x80 else { return }
    do {
      _ = try UTF8Span(validating: Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
    } catch {
      throw CallError(field: "\(field)", "is not UTF-8: send text in UTF-8")
    }
  }
}

extension Arena {
  /// The text's UTF-8 in the arena.
  func data(_ text: String) throws(CallError) -> ProtobufCBinaryData {
    let count = text.utf8.count
    guard count > 0 else { return ProtobufCBinaryData() }
    let copy = UnsafeMutableRawBufferPointer(start: try allocate(count), count: count)
    copy.copyBytes(from: text.utf8)
    return ProtobufCBinaryData(len: count, data: copy.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  /// The name's UTF-8 in the arena.
  func data(_ name: NameText) throws(CallError) -> ProtobufCBinaryData {
    let count = name.utf8Count
    let copy = try allocate(count)
    name.copyUTF8(to: copy)
    return ProtobufCBinaryData(len: count, data: copy.assumingMemoryBound(to: UInt8.self))
  }

  /// A copy in the arena.
  func data(_ bytes: UnsafeRawBufferPointer) throws(CallError) -> ProtobufCBinaryData {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return ProtobufCBinaryData() }
    let copy = try allocate(bytes.count)
    copy.copyMemory(from: source, byteCount: bytes.count)
    return ProtobufCBinaryData(len: bytes.count, data: copy.assumingMemoryBound(to: UInt8.self))
  }
}
