public import KeywardCore
import KeywardWire

/// The changes of a key. With an etag, a change is made only if the key still has it; else it is refused with
/// `ABORTED`. With a request id, the same change asked for again within 24 hours is not made again: its key comes
/// back as it is, without a secret.
extension Client {
  /// Makes any change.
  /// - Returns: the key as it is now, and the secret where one was made for it, told this once.
  public func change(_ request: ChangeRequest) throws(ClientError) -> (key: KeyView, secret: Secret?) {
    guard case .changed(_, let key, let secret, _) = try call(.change(request)) else { throw .otherReply }
    return (key, secret)
  }

  /// Makes a key. Its secret is told this once.
  public func createKey(_ request: CreateKey) throws(ClientError) -> (key: KeyView, secret: Secret) {
    try changeWithSecret(.create(request))
  }

  /// Makes a key, unless the same request has made it before.
  public func createKey(
    _ request: CreateKey, requestID: RequestID
  ) throws(ClientError) -> (key: KeyView, secret: Secret?) {
    try change(ChangeRequest(.create(request), requestID: requestID))
  }

  /// Renames, enables or disables a key, or sets its expiry.
  public func updateKey(
    _ id: KeyID, _ update: KeyUpdate, etag: Revision? = nil
  ) throws(ClientError) -> KeyView {
    try change(ChangeRequest(.update(id, update), etag: etag)).key
  }

  /// Revokes a key, now or at a later instant. Final.
  public func revokeKey(
    _ id: KeyID, _ revocation: Revocation = Revocation(), etag: Revision? = nil
  ) throws(ClientError) -> KeyView {
    try change(ChangeRequest(.revoke(id, revocation), etag: etag)).key
  }

  /// Deletes a key; for 30 days it can be undeleted.
  public func deleteKey(_ id: KeyID, etag: Revision? = nil) throws(ClientError) -> KeyView {
    try change(ChangeRequest(.delete(id), etag: etag)).key
  }

  /// Brings a deleted key back.
  public func undeleteKey(_ id: KeyID, etag: Revision? = nil) throws(ClientError) -> KeyView {
    try change(ChangeRequest(.undelete(id), etag: etag)).key
  }

  /// Makes a key like another, with a secret of its own, which is told this once.
  public func copyKey(
    _ id: KeyID, _ copy: CopyKey = CopyKey(), etag: Revision? = nil
  ) throws(ClientError) -> (key: KeyView, secret: Secret) {
    try changeWithSecret(.copy(id, copy), etag: etag)
  }

  /// Makes a copy, unless the same request has made it before.
  public func copyKey(
    _ id: KeyID, _ copy: CopyKey = CopyKey(), etag: Revision? = nil, requestID: RequestID
  ) throws(ClientError) -> (key: KeyView, secret: Secret?) {
    try change(ChangeRequest(.copy(id, copy), etag: etag, requestID: requestID))
  }

  /// Gives a key a new secret, which is told this once.
  public func rotateKey(
    _ id: KeyID, _ rotation: RotateKey, etag: Revision? = nil
  ) throws(ClientError) -> (key: KeyView, secret: Secret) {
    try changeWithSecret(.rotate(id, rotation), etag: etag)
  }

  /// Gives a key a new secret, unless the same request has done so before.
  public func rotateKey(
    _ id: KeyID, _ rotation: RotateKey, etag: Revision? = nil, requestID: RequestID
  ) throws(ClientError) -> (key: KeyView, secret: Secret?) {
    try change(ChangeRequest(.rotate(id, rotation), etag: etag, requestID: requestID))
  }

  /// Changes many keys together: all of them, or none where one does not allow it, which the error then names.
  /// - Returns: how many were changed; those that were so already are not counted.
  public func change(_ group: GroupChange) throws(ClientError) -> Int {
    guard case .groupChanged(_, let count, _) = try call(.groupChange(group)) else { throw .otherReply }
    return count
  }

  private func changeWithSecret(
    _ action: ChangeRequest.Action, etag: Revision? = nil
  ) throws(ClientError) -> (key: KeyView, secret: Secret) {
    let (key, secret) = try change(ChangeRequest(action, etag: etag))
    guard let secret else { throw .protocolViolation("the daemon made a secret and did not tell it") }
    return (key, secret)
  }
}
