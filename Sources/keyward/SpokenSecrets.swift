import ArgumentParser
import KeywardCore

/// What may be repeated of a command line: a secret may have been written on it by mistake.
extension Validate {
  /// Whether a message about a wrong command line repeats what could be a secret on it: one of ours anywhere, and with
  /// this verb any word or option's value that is not the verb's own.
  static func isRiskyToEcho(_ message: String, of arguments: [String]) -> Bool {
    if arguments.flatMap(likeSecrets).contains(where: { message.contains($0) }) { return true }
    guard arguments.contains(_commandName) else { return false }
    return arguments.contains { argument in
      let parts = argument.drop { $0 == "-" }.split(separator: "=", maxSplits: 1)
      return (argument.hasPrefix("-") ? parts.dropFirst() : [argument[...]]).contains { word in
        word.utf8.count > harmlessByteCount && !ownWords.contains(word) && message.contains(word)
      }
    }
  }

  /// No secret is so short, and a mistyped permission is worth repeating.
  private static let harmlessByteCount = 6

  private static let ownWords: Set<Substring> = ["validate", Permission.secureMail.name[...]]

  /// What to say instead.
  static let harmlessUsage = """
    keyward: the command line is wrong, and not repeated here, for a secret may be on it: \(SecretSource.advice)
    See 'keyward --help'.
    """

  /// A message with all of the command line that begins as our secrets do cut short.
  static func masked(_ message: String, of arguments: [String]) -> String {
    arguments.flatMap(likeSecrets).reduce(message) { message, word in
      message.split(separator: word, omittingEmptySubsequences: false).joined(separator: "kw_…")
    }
  }

  /// A word of the command line to repeat; nil for one that could be a secret.
  static func repeated(_ word: String, of arguments: [String]) -> String? {
    guard likeSecrets(in: word).isEmpty, !arguments.contains(_commandName) else { return nil }
    return word.printable.cut(toColumns: 64)
  }

  /// Every piece of a word that begins as our secrets do.
  private static func likeSecrets(in word: String) -> [Substring] {
    var found: [Substring] = []
    var rest = word[...]
    while let start = rest.firstRange(of: "kw_")?.lowerBound {
      let piece = rest[start...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      if piece.utf8.count > harmlessByteCount { found.append(piece) }
      rest = rest[piece.endIndex...]
    }
    return found
  }
}
