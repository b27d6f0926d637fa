import KeywardCore
import Testing

@Suite struct RightsTests {
  private func rights(uid: UInt32, gids: [UInt32] = [100], ownUID: UInt32 = 999) -> Rights {
    Policy(ownUID: ownUID).rights(of: Peer(uid: uid, gids: gids, pid: 1))
  }

  @Test("Root and the daemon's own user have every right, and nobody else has any")
  func policy() {
    #expect(rights(uid: 0) == .all)
    #expect(rights(uid: 999) == .all)
    #expect(rights(uid: 1000) == [])
    #expect(rights(uid: 1000, gids: [0, 999]) == [])
  }

  @Test("The overflow id has none, even where the daemon runs as it")
  func overflow() {
    #expect(rights(uid: 65534) == [])
    #expect(rights(uid: 65534, ownUID: 65534) == [])
  }

  @Test("Every right comes back from its name")
  func names() {
    #expect(
      Rights.all.names == [
        "canView", "canRead", "canCreate", "canUpdate", "canDelete", "canValidate", "canAudit", "canOperate",
      ])
    #expect(Rights.all.names.reduce(into: Rights()) { $0.formUnion(Rights(name: $1) ?? []) } == .all)
    #expect(Rights(name: "canValidate:chat") == .canValidateChat)
    #expect(Rights(name: "canValidate:secure-mail") == .canValidateSecureMail)
    #expect(Rights.canValidateChat.names == ["canValidate:chat"])
    for name in ["", "canview", "canValidate:", "canValidate:mail", "all", " canView"] {
      #expect(Rights(name: name) == nil, "\(name)")
    }
  }

  @Test("Validating takes the right for that channel")
  func validating() {
    #expect(Rights.validating(.chat) == .canValidateChat)
    #expect(Rights.validating(.secureMail) == .canValidateSecureMail)
    #expect(!Rights.canValidateChat.contains(.validating(.secureMail)))
  }
}
