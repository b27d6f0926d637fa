/// Text that a person adds to something: no controls and no secret in it, but it may be empty.
enum Annotation {
  /// - Throws: ``DomainError/invalid(field:_:)`` naming the field.
  static func checked(_ text: String, field: String, maxCount: Int) throws(DomainError) -> String {
    let count = text.unicodeScalars.count
    guard count <= maxCount else {
      throw .invalid(field: field, "has \(count) characters: give at most \(maxCount)")
    }
    for scalar in text.unicodeScalars where KeyName.isForbidden(scalar) {
      throw .invalid(field: field, "has the control character \(KeyName.codePoint(scalar)): leave it out")
    }
    try checkNoSecret(text, field: field)
    return text
  }

  /// What is kept in plain text, and shown to everybody who may look, must give no secret away.
  /// - Throws: ``DomainError/invalid(field:_:)`` naming the field, and nothing of the text.
  static func checkNoSecret(_ text: String, field: String) throws(DomainError) {
    guard !PresentedSecret.isPart(of: text) else {
      throw .invalid(field: field, "holds a secret, and is kept and shown as it is: leave the secret out")
    }
  }
}

/// Why a key is or was revoked, in a person's words: at most 256 code points, empty where nobody said.
public struct RevokeReason: Sendable, Hashable {
  public let text: String

  public static let maxCount = 256
  public static let none = RevokeReason(checked: "")

  /// - Throws: ``DomainError/invalid(field:_:)``.
  public init(_ given: String) throws(DomainError) {
    text = try Annotation.checked(given, field: "reason", maxCount: Self.maxCount)
  }

  /// A reason that was checked when it was stored or sent.
  init(checked text: String) {
    self.text = text
  }
}

/// A peer's name for one attempt at a change: 1 to 128 code points. The same one of the same user within 24 hours is
/// the same attempt.
public struct RequestID: Sendable, Hashable {
  public let text: String

  public static let maxCount = 128
  /// Seconds for which an attempt is remembered.
  public static let lifetimeSeconds: Int64 = 86400

  /// - Throws: ``DomainError/invalid(field:_:)``.
  public init(_ given: String) throws(DomainError) {
    guard !given.isEmpty else { throw .invalid(field: "request_id", "is empty") }
    text = try Annotation.checked(given, field: "request_id", maxCount: Self.maxCount)
  }

  /// An id that was checked when it was stored.
  public init(checked text: String) {
    self.text = text
  }
}
