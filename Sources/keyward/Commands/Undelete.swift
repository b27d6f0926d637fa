import ArgumentParser
import KeywardClient
import KeywardCore

struct Undelete: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Brings a deleted key back.",
    discussion: """
      A deleted key has given its name up: the name will do where exactly one deleted key had it and you may list \
      keys; else give the id.
      """)

  @Argument(help: "The key: its id, or the name it had.", completion: .deletedKeys)
  var key: String

  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let daemon = try common.connect()
    let id = if let id = reference.id { id } else { try daemon.deletedKey(named: reference.name) }
    let view = try daemon.change(ChangeRequest(.undelete(id), etag: etag.revision))
    return try common.print(view, of: daemon, to: output)
  }
}

extension Daemon {
  /// The one deleted key that had the name.
  fileprivate func deletedKey(named name: KeyName) throws(CommandFailure) -> KeyID {
    do throws(CommandFailure) {
      return try Undelete.only(try deletedKeys(named: name), of: name)
    } catch  where error.status == .noPermission {
      throw CommandFailure(error.status, "\(error.message): without it, give the key's id in place of its name")
    }
  }

  func deletedKeys(named name: KeyName) throws(CommandFailure) -> [KeyID] {
    var found: [KeyID] = []
    var token = ""
    repeat {
      let query = try judged { () throws(DomainError) in
        try ListQuery(
          text: try SearchText(name.text), showDeleted: true, pageSize: ListQuery.maxPageSize, pageToken: token)
      }
      let page = try ask { (client) throws(ClientError) in try client.listKeys(query) }
      found += page.keys.map(\.key).filter { $0.deleteTime != nil && $0.name == name }.map(\.id)
      token = page.nextPageToken
    } while !token.isEmpty
    return found
  }
}

extension Undelete {
  static func only(_ ids: [KeyID], of name: KeyName) throws(CommandFailure) -> KeyID {
    guard let id = ids.first else {
      throw CommandFailure(.noInput, "no deleted key had the name \"\(name.text)\"")
    }
    guard ids.count == 1 else {
      let shown = ids.suffix(10).map(\.description).joined(separator: ", ")
      throw CommandFailure(
        .badData, "\(ids.count) deleted keys had the name \"\(name.text)\": give the id of one of them: \(shown)")
    }
    return id
  }
}
