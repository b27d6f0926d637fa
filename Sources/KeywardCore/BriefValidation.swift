/// A ``Validation`` of a key without limits whose name lies in memory of the caller's: nothing in it is counted, so that
/// telling it costs nothing but its bytes.
public struct BriefValidation: Sendable {
  public let verdict: Verdict
  /// nil with `MALFORMED`, `NOT_FOUND` and `WRONG_PERMISSION`.
  public let id: KeyID?
  /// Bytes of the name; 0 where there is no ``id``.
  public let nameCount: Int
  /// As in ``Validation/Subject/validUntil``.
  public let validUntil: Instant?
  /// As in ``Validation/Subject/revision``; 0 where there is no ``id``.
  public let revision: Revision

  init(
    _ verdict: Verdict, id: KeyID? = nil, nameCount: Int = 0, validUntil: Instant? = nil, revision: Revision = 0
  ) {
    self.verdict = verdict
    self.id = id
    self.nameCount = nameCount
    self.validUntil = validUntil
    self.revision = revision
  }
}
