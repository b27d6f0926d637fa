import KeywardClient
import KeywardCore
import Testing

@testable import keyward

@Suite("KeyReference")
struct KeyReferenceTests {
  private let id = "key_0123456789ABCDEFGHIJ"

  private func view(_ text: String) throws -> KeyView {
    let key = Key(
      id: try #require(KeyID(id)), name: try KeyName(text), permission: .chat, enabled: true, expireTime: nil, hint: "",
      creator: "", createTime: .epoch, updater: "", updateTime: .epoch, revision: 1)
    return KeyView(key, at: .epoch)
  }

  @Test("an id is looked up as an id, then as a name")
  func idThenName() throws {
    let reference = try KeyReference(id)
    let (byID, byName) = (try view("by id"), try view("by name"))
    let first = try reference.key(
      byID: { (_) throws(ClientError) in byID }, byName: { (_) throws(ClientError) in byName })
    #expect(first == byID)
    let second = try reference.key(
      byID: { (_) throws(ClientError) in throw .refused(.notFound, "no id") },
      byName: { (_) throws(ClientError) in byName })
    #expect(second == byName)
  }

  @Test("where neither is found the id is what is told")
  func neither() throws {
    let error = #expect(throws: ClientError.self) {
      try KeyReference(id).key(
        byID: { (_) throws(ClientError) in throw .refused(.notFound, "no id") },
        byName: { (_) throws(ClientError) in throw .refused(.notFound, "no name") })
    }
    #expect(error?.message == "no id")
  }

  @Test("a refusal of the id for another reason is not hidden by a look-up of the name")
  func otherRefusal() throws {
    let byName = try view("by name")
    let error = #expect(throws: ClientError.self) {
      try KeyReference(id).key(
        byID: { (_) throws(ClientError) in throw .refused(.permissionDenied, "not allowed") },
        byName: { (_) throws(ClientError) in byName })
    }
    #expect(error?.message == "not allowed")
  }

  @Test("a secret in the place of a key is refused with what to do, and not repeated")
  func secret() {
    let secret = "kw_chat_00000000000000000000000000000048L5Fo"
    for text in [secret, "key \(secret)"] {
      let error = #expect(throws: CommandFailure.self) { try KeyReference(text) }
      #expect(error?.message.hasPrefix("a KEY is an id or a name, and this holds a secret: rotate its key") == true)
      #expect(error?.message.contains("kw_") == false && error?.status == .badData)
    }
  }

  @Test("what is no id is only ever a name")
  func nameOnly() throws {
    let byName = try view("by name")
    let found = try KeyReference("mailer").key(
      byID: { (_) throws(ClientError) in throw .refused(.internal, "asked by id") },
      byName: { (_) throws(ClientError) in byName })
    #expect(found == byName)
    #expect(throws: CommandFailure.self) { try KeyReference(" ") }
  }
}
