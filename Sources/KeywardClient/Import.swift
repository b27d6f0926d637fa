public import KeywardCore
import KeywardWire

extension Client {
  /// Takes keys over from another system: all of them in one transaction, or none.
  /// - Parameter keys: 1 to ``ImportKeys/maxCount``, and no more than ``importByteLimit`` allows.
  /// - Throws: ``ClientError/refused(_:_:)`` naming the entry as `keys[N]` with its field, where one cannot be.
  public func importKeys(
    _ keys: [KeyToImport], _ options: ImportOptions = ImportOptions()
  ) throws(ClientError) -> ImportOutcome {
    guard case .importKeys(let outcome) = try call(.importKeys(keys, options)) else { throw .otherReply }
    return outcome
  }

  /// The most that the ``KeyToImport/byteCount`` of one call's keys may come to: a frame holds so much, and a call's
  /// memory twice that.
  public static var importByteLimit: Int { 3 << 20 }
}

extension KeyToImport {
  /// What the key takes in a call, at the most.
  public var byteCount: Int {
    let secretCount = secret?.withUnsafeBytes { $0.count } ?? Digest.byteCount
    return 64 + key.name.text.utf8.count + secretCount + key.creator.utf8.count
  }
}
