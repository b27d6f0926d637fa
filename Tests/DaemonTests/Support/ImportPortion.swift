import KeywardClient
import KeywardCore

@testable import keyward

/// A list as the command sends it.
enum ImportPortion {
  /// The first portion, and the name of the attempt to import it.
  static func first(of text: String) throws -> (keys: [KeyToImport], id: RequestID) {
    let list = try ImportList(ImportText(Array(text.utf8)), as: .csv)
    return (list.portions[0].keys, list.requestID(of: 0, skipExisting: false))
  }
}
