import CommandSupport

/// Advice for a word that was mistyped.
enum Suggestion {
  /// The known word that is most like the given one, capitals or not, or all of them where none is.
  static func among(_ known: [String], for given: String) -> String {
    if let near = nearest(to: given, among: known).first { return "did you mean \(near)?" }
    return "there is \(known.joined(separator: ", "))"
  }
}
