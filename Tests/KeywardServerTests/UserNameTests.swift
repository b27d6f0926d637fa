import KeywardCore
import Testing

@testable import KeywardServer

@Suite struct UserNameTests {
  @Test(arguments: [("ann", "ann"), ("a(b)", "a(b)"), ("keyward", "keyward"), ("(sweeper)", "7"), ("(", "7")])
  func `No user is told by a name that could be the daemon's own`(name: String, told: String) {
    let names = UserNameCache(clock: .system) { _ in name }
    #expect(names.name(of: 7) == told)
    #expect(names.cachedName(of: 7) == told)
    #expect(Actor.sweeper(uid: 7, pid: 1).user == "(sweeper)")
  }
}
