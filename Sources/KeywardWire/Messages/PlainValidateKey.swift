package import KeywardCore

/// The messages of ``Method/validateKey`` as nearly all calls have them, read and written without protobuf-c.
package enum PlainValidateKey {
  // Tags of the request: the field's number and its wire type.
  private static let secretTag: UInt8 = 1 << 3 | 2
  private static let permissionTag: UInt8 = 2 << 3

  /// Reads a request of a secret and a permission and nothing else, in the order of their numbers, which is every
  /// encoder's.
  /// - Returns: nil for anything else, right or wrong; for a malformed secret, and for one that is not ASCII.
  @inline(__always)
  package static func decode(_ payload: UnsafeRawBufferPointer) -> PlainQuestion? {
    guard payload.count >= 4, payload[0] == secretTag else { return nil }
    // A length of up to 127 has one byte.
    let count = Int(payload[1])
    guard count < 0x80, payload.count == count + 4, payload[count + 2] == permissionTag,
      let permission = Permission(rawValue: payload[count + 3])
    else { return nil }
    let secret = UnsafeRawBufferPointer(rebasing: payload[2..<2 + count])
    guard secret.isASCIIText, case .digest(let digest) = PresentedSecret(secret) else { return nil }
    return PlainQuestion(digest, for: permission)
  }

  /// The most bytes that a reply has: seven tags, two of them a time's, the lengths of id, name and time, and the fields.
  package static let maxReplyByteCount =
    7 + (1 + 2 + 1) + KeyID.byteCount + KeyName.maxByteCount + 4 * ProtobufWriter.maxVarintByteCount

  /// Writes a reply, byte for byte as protobuf-c does.
  /// - Parameter bytes: has room for ``maxReplyByteCount``.
  /// - Returns: where it ends.
  @inline(__always)
  package static func encode(
    _ validation: BriefValidation, to bytes: UnsafeMutableRawPointer
  ) -> UnsafeMutableRawPointer {
    var writer = ProtobufWriter(bytes)
    writer.number(1, UInt64(validation.verdict.rawValue))
    if let id = validation.id {
      writer.bytes(2, count: KeyID.byteCount) {
        id.write(
          to: UnsafeMutableBufferPointer(start: $0.assumingMemoryBound(to: UInt8.self), count: KeyID.byteCount))
      }
      writer.bytes(3, count: validation.name.count) { end in
        if let name = validation.name.baseAddress { end.copyMemory(from: name, byteCount: validation.name.count) }
      }
      if let end = validation.validUntil { writer.timestamp(4, end) }
      writer.number(5, UInt64(bitPattern: validation.revision))
    }
    return writer.end
  }
}
