/// A question as nearly all are: by a secret that is not malformed, for now. It holds nothing that is counted.
public struct PlainQuestion: Sendable {
  public let digest: Digest
  public let permission: Permission

  public init(_ digest: Digest, for permission: Permission) {
    self.digest = digest
    self.permission = permission
  }
}

/// Questions that are answered together, and who is told the answers.
///
/// Sendable so that it may be handed to whoever holds the index's lock: it is told the answers by its caller's thread.
public protocol PlainQuestions: AnyObject, Sendable {
  var questions: UnsafeBufferPointer<PlainQuestion> { get }

  /// Tells the answer to a question, in the order of their numbers, while the index waits.
  /// - Parameter validation: nil for a key with limits, of which nothing is used.
  func answer(_ number: Int, _ validation: BriefValidation?)
}
