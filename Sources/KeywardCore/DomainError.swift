/// Why a command or a question was refused. Messages are a person's words, name what would be right, and never hold
/// a secret or a digest.
public enum DomainError: Error, Equatable, Sendable {
  /// A field of the request is wrong; the text goes on from the field's name: "is empty: give …".
  case invalid(field: String, String)
  /// No such key, or none that the peer may know of.
  case notFound(String)
  /// Another key has that name.
  case alreadyExists(String)
  /// The peer lacks a right.
  case denied(String)
  /// Another change came first: the etag is no longer the key's.
  case aborted(String)
  /// The key is in a state that does not allow it.
  case precondition(String)
  /// A revision lies where nothing is known of what followed it.
  case outOfRange(String, oldest: Revision, newest: Revision)
  /// The store has no room: nothing was done.
  case exhausted(String)
  /// It is more than may be asked for at once.
  case tooLarge(String)
  /// Others are before it; it has a chance after so many seconds.
  case crowded(String, retrySeconds: Int)
  /// The store cannot take changes at present. The change may or may not have been made.
  case unavailable(String)
  /// The request asks for what is not built.
  case unimplemented(String)
  /// A fault of keyward's own.
  case `internal`(String)

  public var message: String {
    switch self {
    case .invalid(let field, let text): "\(field) \(text)"
    case .notFound(let text), .alreadyExists(let text), .denied(let text), .aborted(let text), .precondition(let text),
      .exhausted(let text), .tooLarge(let text), .crowded(let text, _),
      .outOfRange(let text, _, _), .unavailable(let text), .unimplemented(let text), .internal(let text):
      text
    }
  }
}
