import CommandSupport
import KeywardClient
import KeywardCore

/// The key that a person means: the one with that id, else the one with that name.
struct KeyReference {
  /// nil for what has not the form of one.
  let id: KeyID?
  /// Every id could be a name too.
  let name: KeyName

  /// - Throws: ``CommandFailure`` for what can be neither.
  init(_ text: String) throws(CommandFailure) {
    id = KeyID(text)
    do throws(DomainError) {
      name = try KeyName(text)
    } catch {
      throw CommandFailure(
        .badData,
        PresentedSecret.isPart(of: text) ? "\(Self.form), and this holds a secret: \(Self.remedy)" : error.message)
    }
  }

  private static let form = "a KEY is an id or a name"
  private static let remedy =
    "rotate its key, for others on this host can read command lines, and the shell may have kept it"

  /// What to say where there is no such key and the text begins as secrets do; else nothing.
  fileprivate var secretAdvice: String? {
    name.text.hasPrefix("kw_") ? ": \(Self.form); if this is a secret, \(Self.remedy)" : nil
  }

  func key(_ client: Client) throws(ClientError) -> KeyView {
    try key(byID: client.key(id:), byName: client.key(name:))
  }

  func key(
    byID: (KeyID) throws(ClientError) -> KeyView, byName: (KeyName) throws(ClientError) -> KeyView
  ) throws(ClientError) -> KeyView {
    guard let id else { return try byName(name) }
    do throws(ClientError) {
      return try byID(id)
    } catch .refused(.notFound, let message) {
      do throws(ClientError) {
        return try byName(name)
      } catch .refused(.notFound, _) {
        // What looks like an id was more likely meant as one.
        throw .refused(.notFound, message)
      }
    }
  }
}

extension Daemon {
  /// The key that is meant.
  /// - Throws: ``CommandFailure``; where there is no such key, with the names that are like the one given, as far as
  ///   the person may list keys.
  func key(_ reference: KeyReference) throws(CommandFailure) -> KeyView {
    do throws(ClientError) {
      return try client.key(reference)
    } catch .refused(.notFound, let message) {
      throw CommandFailure(.noInput, message + suggestion(for: reference))
    } catch {
      throw failure(error)
    }
  }

  /// The id of the key that is meant. What has the form of an id is taken for one where the person may not look keys
  /// up.
  func id(of reference: KeyReference) throws(CommandFailure) -> KeyID {
    do throws(ClientError) {
      return try client.key(reference).key.id
    } catch .refused(.permissionDenied, let message) {
      guard let id = reference.id else {
        throw CommandFailure(.noPermission, "\(message): without it, give the key's id in place of its name")
      }
      return id
    } catch .refused(.notFound, let message) {
      throw CommandFailure(.noInput, message + suggestion(for: reference))
    } catch {
      throw failure(error)
    }
  }

  /// `: did you mean "Web chat"?`, or that a deleted key had the name, or nothing.
  private func suggestion(for reference: KeyReference) -> String {
    if let advice = reference.secretAdvice { return advice }
    // Asked first, so that no call is made that would be refused.
    guard let identity = try? client.whoAmI(), identity.rights.contains(.canView) else { return "" }
    if let deleted = try? deletedKeys(named: reference.name), let id = deleted.last {
      return deleted.count == 1
        ? ": a deleted key had it, which keyward undelete \(id) brings back"
        : ": \(deleted.count) deleted keys had it, the last one \(id), which keyward undelete brings back"
    }
    var names: [String] = []
    var seen: Set<String> = []
    for text in KeyReference.searches(for: reference.name.text) {
      guard let text = try? SearchText(text), let query = try? ListQuery(text: text, pageSize: ListQuery.maxPageSize),
        let page = try? client.listKeys(query)
      else { break }
      for name in page.keys.map(\.key.name.text) where seen.insert(name).inserted { names.append(name) }
    }
    let near = nearest(to: reference.name.text, among: names).map { "\"\($0)\"" }
    return near.isEmpty ? "" : ": did you mean \(near.joined(separator: " or "))?"
  }
}

extension KeyReference {
  private static let maxPieces = 8

  /// Texts of which a name like the given one holds one or the other: where so many letters differ, one of one piece
  /// more is whole.
  static func searches(for name: String) -> [String] {
    let letters = Array(name)
    let count = min(letters.count, max(3, letters.count / 4 + 1), maxPieces)
    let pieces = (0..<count).map { String(letters[$0 * letters.count / count..<($0 + 1) * letters.count / count]) }
    return pieces.filter { $0.contains { !$0.isWhitespace } }
  }
}

extension Client {
  fileprivate func key(_ reference: KeyReference) throws(ClientError) -> KeyView { try reference.key(self) }
}
