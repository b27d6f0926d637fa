/// Memory for one name's UTF-8, which its owner lends to one call at a time.
///
/// `@unchecked Sendable` because no two calls have it at once: whoever makes it says so.
public struct NameRoom: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter bytes: at least ``KeyName/maxByteCount``, lent to one call at a time.
  public init(_ bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= KeyName.maxByteCount, "a name may need more room")
    self.bytes = bytes
  }
}
