/// A ``Validation`` of a key without limits, told where the index has it: nothing in it is counted, so that telling it
/// costs nothing but its bytes.
public struct BriefValidation {
  public let verdict: Verdict
  /// nil with `MALFORMED`, `NOT_FOUND` and `WRONG_PERMISSION`.
  public let id: KeyID?
  /// The name's UTF-8, good for the length of the call that it is told by; empty where there is no ``id``.
  public let name: UnsafeRawBufferPointer
  /// As in ``Validation/Subject/validUntil``.
  public let validUntil: Instant?
  /// As in ``Validation/Subject/revision``; 0 where there is no ``id``.
  public let revision: Revision

  package init(
    _ verdict: Verdict, id: KeyID? = nil, name: UnsafeRawBufferPointer = .init(start: nil, count: 0),
    validUntil: Instant? = nil, revision: Revision = 0
  ) {
    self.verdict = verdict
    self.id = id
    self.name = name
    self.validUntil = validUntil
    self.revision = revision
  }
}
