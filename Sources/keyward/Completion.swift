import ArgumentParser
import KeywardClient
import KeywardCore

extension CompletionKind {
  /// Names and ids of keys.
  static let keys = custom { words, index, prefix in
    KeyCompletion(words, index, prefix).candidates()
  }

  /// Names and ids of keys that are deleted.
  static let deletedKeys = custom { words, index, prefix in
    KeyCompletion(words, index, prefix, deleted: true).candidates()
  }
}

/// What a KEY that is being written may become, asked of the daemon while a person waits for it: nothing, and not a
/// word, where the daemon does not answer at once or the person may not list keys.
struct KeyCompletion {
  /// What is written of it, without its quotes.
  let typed: String
  let socketPath: String
  private let deleted: Bool

  private static let timeoutMilliseconds = 500

  /// - Parameters:
  ///   - words: the command line, the command itself first.
  ///   - index: which of the words is being written.
  ///   - prefix: the last word up to the cursor.
  init(_ words: [String], _ index: Int, _ prefix: String, deleted: Bool = false) {
    let word = words.indices.contains(index) && index < words.count - 1 ? words[index] : prefix
    typed = Self.unquoted(word)
    socketPath = CommonOptions.socketPath(Self.value(of: "--socket", in: words))
    self.deleted = deleted
  }

  /// The candidates, each as the shell that asks takes it.
  func candidates() -> [String] {
    let shell = CompletionShell.requesting
    return found().filter { $0.hasPrefix(typed) && Self.isOffered($0, to: shell) }.map { Self.quoted($0, for: shell) }
  }

  /// Bash looks at each candidate as at a file's name, quoted or not, and expands what a `$` or a backtick begins, so
  /// that a name could run a command.
  static func isOffered(_ name: String, to shell: CompletionShell?) -> Bool {
    name == name.printable && (shell != .bash || !name.contains { $0 == "$" || $0 == "`" })
  }

  private func found() -> [String] {
    let options = Client.Options(socketPath: socketPath, timeoutMilliseconds: Self.timeoutMilliseconds)
    // Whoever may not list keys is not refused, and so not logged, either.
    guard let client = try? Client(options), let identity = try? client.whoAmI(), identity.rights.contains(.canView)
    else { return [] }
    // An id is found in no text: of ids, the first page has to do.
    let isID = typed.hasPrefix("key_")
    guard let text = try? SearchText(isID ? "" : typed),
      let query = try? ListQuery(
        text: text, showDeleted: deleted, order: ListOrder(.name), pageSize: ListQuery.maxPageSize),
      let page = try? client.listKeys(query)
    else { return [] }
    let keys = page.keys.map(\.key).filter { ($0.deleteTime != nil) == deleted }
    return keys.map { isID ? $0.id.description : $0.name.text }
  }

  /// A word as its shell will read it once it is whole: without the quotes and backslashes.
  static func unquoted(_ word: String) -> String {
    var text = ""
    var quote: Character?
    var isEscaped = false
    for character in word {
      if isEscaped {
        text.append(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        quote = character
      } else {
        text.append(character)
      }
    }
    return text
  }

  /// Bash expands what it is given as it does a command line, so that a name could run a command; zsh takes what
  /// follows a colon for a description.
  static func quoted(_ name: String, for shell: CompletionShell?) -> String {
    switch shell {
    case .bash?: "'" + name.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    case .zsh?: name.reduce(into: "") { $0 += $1 == ":" || $1 == "\\" ? "\\\($1)" : String($1) }
    default: name
    }
  }

  private static func value(of option: String, in words: [String]) -> String? {
    for (index, word) in words.enumerated() {
      if word.hasPrefix(option + "=") { return unquoted(String(word.dropFirst(option.count + 1))) }
      guard word == option, index + 1 < words.count else { continue }
      // Bash takes the sign of --socket=PATH for a word of its own.
      let isSigned = words[index + 1] == "=" && index + 2 < words.count
      return unquoted(words[index + (isSigned ? 2 : 1)])
    }
    return nil
  }
}
