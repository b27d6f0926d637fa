import KeywardCore
import Testing

@Suite struct PolicyTests {
  private func rights(
    uid: UInt32 = 1000, gids: [UInt32] = [100], _ grants: [Grant], ownUID: UInt32 = 999
  ) -> Rights {
    Policy(ownUID: ownUID, grants: grants).rights(of: Peer(uid: uid, gids: gids, pid: 1))
  }

  @Test("A user holds what was granted to it, and nobody else does")
  func users() {
    let grants = [Grant(.user(1000), [.canView, .canRead]), Grant(.user(1001), .canDelete)]
    #expect(rights(grants) == [.canView, .canRead])
    #expect(rights(uid: 1001, grants) == .canDelete)
    #expect(rights(uid: 1002, grants) == [])
  }

  @Test("A group's rights are every member's, by the primary and by any other group")
  func groups() {
    let grants = [Grant(.group(33), .canValidateChat)]
    #expect(rights(gids: [33], grants) == .canValidateChat)
    #expect(rights(gids: [100, 7, 33], grants) == .canValidateChat)
    #expect(rights(gids: [100, 7], grants) == [])
    #expect(rights(gids: [], grants) == [])
  }

  @Test("Users and groups of one number are two")
  func namespaces() {
    #expect(rights(uid: 33, gids: [100], [Grant(.group(33), .canView)]) == [])
    #expect(rights(uid: 1000, gids: [33], [Grant(.user(33), .canView)]) == [])
  }

  @Test("What comes by the user and by each group adds up")
  func union() {
    let grants = [
      Grant(.user(1000), .canView), Grant(.group(7), .canRead), Grant(.group(8), [.canRead, .canAudit]),
      Grant(.group(9), .canDelete),
    ]
    #expect(rights(gids: [7, 8], grants) == [.canView, .canRead, .canAudit])
    #expect(rights([Grant(.user(1000), .canView), Grant(.user(1000), .canRead)]) == [.canView, .canRead])
  }

  @Test("Root and the daemon's own user hold all, whatever is granted")
  func all() {
    let grants = [Grant(.user(0), .canView), Grant(.user(999), .canView), Grant(.group(100), .canRead)]
    #expect(rights(uid: 0, grants) == .all)
    #expect(rights(uid: 999, grants) == .all)
    #expect(rights(uid: 1000, gids: [0, 999], [Grant(.user(0), .all), Grant(.user(999), .all)]) == [])
  }

  @Test("Root's group is a group like any other")
  func rootGroup() {
    #expect(rights(gids: [0], [Grant(.group(0), .canView)]) == .canView)
  }

  @Test("The overflow user holds nothing, by itself, by its groups or as the daemon's own")
  func overflowUser() {
    let grants = [Grant(.user(65534), .all), Grant(.group(100), .all)]
    #expect(rights(uid: 65534, grants) == [])
    #expect(rights(uid: 65534, gids: [0, 100], grants, ownUID: 65534) == [])
  }

  @Test("The overflow group brings nothing, and takes nothing from the other groups")
  func overflowGroup() {
    let grants = [Grant(.group(65534), .all), Grant(.group(100), .canView)]
    #expect(rights(gids: [65534], grants) == [])
    #expect(rights(gids: [65534, 100], grants) == .canView)
  }
}
