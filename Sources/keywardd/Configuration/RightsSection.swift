import KeywardCore
import UnixSocket

/// The section `[rights]`: a line for each user or group that is granted any.
///
/// ```toml
/// "user:ann" = ["canView", "canRead"]
/// "group:33" = ["canValidate:chat"]
/// ```
///
/// Names become ids here, for the kernel tells of a peer's ids and nothing else. A line that could never have an
/// effect is a mistake: whoever wrote it meant something.
struct RightsSection {
  typealias Located<Value: Equatable> = ConfigurationFile.Located<Value>

  static let name = "rights"

  /// In the order of the text; no holder twice.
  private(set) var grants: [Located<Grant>] = []
  private let path: String
  private let names: HostNames
  /// The lines that holders stand in, by what they are.
  private var seen: [Grant.Holder: TOMLDocument.Entry] = [:]

  /// - Parameters:
  ///   - table: the section's place among the document's entries.
  ///   - path: the file's, for messages.
  ///   - names: asked for every name, which may block.
  init(_ table: Int, of document: TOMLDocument, path: String, names: HostNames) throws(ConfigurationError) {
    self.path = path
    self.names = names
    let children = Dictionary(grouping: document.entries.indices) { document.entries[$0].parent }
    for index in children[table] ?? [] {
      let elements = (children[index] ?? []).map { document.entries[$0] }
      try take(document.entries[index], elements)
    }
  }

  /// Whether a key is one of this section's, though it may stand in another.
  static func owns(_ key: String) -> Bool { Kind.allCases.contains { key.hasPrefix("\($0.rawValue):") } }

  private mutating func take(
    _ entry: TOMLDocument.Entry, _ elements: [TOMLDocument.Entry]
  ) throws(ConfigurationError) {
    let holder = try holder(entry)
    if let earlier = seen.updateValue(entry, forKey: holder) {
      throw wrong(
        entry, "is the same as \(earlier.path) in line \(earlier.keyPosition.line): put all its rights in one line")
    }
    guard entry.value == .array else {
      throw wrong(
        entry, at: entry.valuePosition, "is \(entry.value.kind): give an array of rights, such as [\"canView\"]")
    }
    guard !elements.isEmpty else {
      throw wrong(entry, at: entry.valuePosition, "is empty: give a right, or leave the line out")
    }
    var rights: Rights = []
    for element in elements { rights.formUnion(try right(element, besides: rights)) }
    grants.append(Located(value: Grant(holder, rights), position: entry.keyPosition))
  }

  // MARK: Rights

  private func right(_ element: TOMLDocument.Entry, besides held: Rights) throws(ConfigurationError) -> Rights {
    guard case .string(let name) = element.value else {
      throw wrong(element, "is \(element.value.kind): give the name of a right, in quotes")
    }
    guard let right = Rights(name: name) else {
      throw wrong(
        element, "is \"\(name)\", and there is no such right: \(Suggestion.among(Rights.everyName, for: name))")
    }
    guard held.isDisjoint(with: right) else {
      throw wrong(element, "is \"\(name)\", which the rights before it have in them: leave one out")
    }
    return right
  }

  // MARK: Holders

  private enum Kind: String, CaseIterable {
    case user
    case group
  }

  private func holder(_ entry: TOMLDocument.Entry) throws(ConfigurationError) -> Grant.Holder {
    let key = entry.key ?? ""
    guard let colon = key.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      throw wrong(entry, "is neither a user nor a group: write \"user:NAME\" or \"group:NAME\", in quotes")
    }
    let (word, name) = (String(key[..<colon]), String(key[key.utf8.index(after: colon)...]))
    guard let kind = Kind(rawValue: word) else {
      throw wrong(
        entry,
        "begins with \"\(word)\": \(Suggestion.among(Kind.allCases.map { "\($0.rawValue):\(name)" }, for: key))")
    }
    guard !name.isEmpty else { throw wrong(entry, "names no \(word): give a name or a number behind the colon") }
    let id = try id(of: name, kind, entry)
    guard id != Peer.overflowID else {
      throw wrong(
        entry,
        "has the id \(id), by which the kernel names every \(word) that it cannot tell, so it never holds a right:"
          + " grant to a \(word) of its own")
    }
    guard kind != .user || id != 0 else { throw wrong(entry, "is root, who holds every right: leave the line out") }
    return kind == .user ? .user(id) : .group(id)
  }

  /// A number is an id, whatever is called so; anything else is looked up.
  private func id(
    of name: String, _ kind: Kind, _ entry: TOMLDocument.Entry
  ) throws(ConfigurationError) -> UInt32 {
    if name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      // The highest number is none of an id's: chown(2) takes it for "as it is".
      guard let id = UInt32(name), id != .max else {
        throw wrong(entry, "has a number that is no id: give one up to \(UInt32.max - 1)")
      }
      guard String(id) == name else { throw wrong(entry, "has zeros before its number: write \(id)") }
      return id
    }
    let found: UInt32?
    do throws(SystemError) {
      found =
        switch kind {
        case .user: try names.user(name)
        case .group: try names.group(name)
        }
    } catch {
      throw wrong(entry, "cannot be found out, \(error): mend the host's name services, or give its number")
    }
    guard let found else {
      throw wrong(entry, "is unknown to this host: make the \(kind.rawValue), correct its name, or give its number")
    }
    return found
  }

  /// - Parameter position: nil for where the entry begins.
  private func wrong(
    _ entry: TOMLDocument.Entry, at position: TOMLDocument.Position? = nil, _ message: String
  ) -> ConfigurationError {
    ConfigurationError(file: path, position ?? entry.keyPosition, "\(entry.path) \(message)")
  }
}
