import KeywardClient
import KeywardCore

@testable import keyward

/// A list as the command sends it.
struct SentList {
  private let list: ImportList

  init(_ text: String) throws {
    list = try ImportList(ImportText(Array(text.utf8)), as: .csv)
  }

  var portionCount: Int { list.portions.count }

  /// Sends one portion of an upload.
  @discardableResult
  func send(_ number: Int, by client: Client) throws -> ImportOutcome {
    let portion = try ImportPortion(UploadID("test"), number: number, hasMore: number < portionCount - 1)
    let options = ImportOptions(requestID: RequestID(checked: "test"), portion: portion)
    return try client.importKeys(list.portions[number].keys, options)
  }
}
