public import KeywardCore
import KeywardWire

extension Client {
  /// Takes keys over from another system: all of them in one transaction, or none.
  ///
  /// More than one call holds are an upload: one call for each of its portions, from 0. Nothing is taken over before the
  /// last one, which may take a minute for a million keys: give the client a ``Options/timeoutMilliseconds`` for that.
  /// - Parameters:
  ///   - keys: 1 to ``ImportKeys/maxCount``, and no more than ``importByteLimit`` allows.
  ///   - options: the same for all portions, but for ``ImportOptions/portion``.
  /// - Returns: what became of all the keys; of none where more portions are to follow.
  /// - Throws: ``ClientError/refused(_:_:)`` naming the entry as `keys[N]` with its field, where one cannot be, or as
  ///   `portions[P].keys[N]` where it is in an earlier portion.
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
    let limitCount = key.rateLimit == nil && key.useLimit == nil ? 0 : 80
    return 64 + key.name.text.utf8.count + secretCount + key.creator.utf8.count + limitCount
  }
}
