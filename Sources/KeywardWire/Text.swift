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
    guard !bytes.isASCIIText else { return }
    guard !bytes.contains(0) else {
      throw CallError(field: "\(field)", "holds a NUL character: leave it out")
    }
    do {
      _ = try UTF8Span(validating: Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
    } catch {
      throw CallError(field: "\(field)", "is not UTF-8: send text in UTF-8")
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether all bytes are ASCII and none is NUL, as all of nearly every text are.
  @inline(__always)
  var isASCIIText: Bool {
    guard count >= 8 else { return allSatisfy { $0 != 0 && $0 < 0x80 } }
    // Eight bytes at a time; the last eight overlap those before.
    for start in stride(from: 0, to: count - 8, by: 8) where !isASCIIText(at: start) { return false }
    return isASCIIText(at: count - 8)
  }

  @inline(__always)
  private func isASCIIText(at start: Int) -> Bool {
    let word = loadUnaligned(fromByteOffset: start, as: UInt64.self)
    return (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0
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
