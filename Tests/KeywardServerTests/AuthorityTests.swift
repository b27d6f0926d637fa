import Dispatch
import KeywardCore
import KeywardWire
import TestSupport
import Testing

@testable import KeywardServer

@Suite struct AuthorityTests {
  private let peer = Peer(uid: 1000, gids: [100], pid: 1)

  private func policy(_ rights: Rights) -> Policy { Policy(ownUID: 999, grants: [Grant(.user(1000), rights)]) }

  @Test func `A caller's rights follow the policy in force`() {
    let authority = Authority(policy(.canView))
    let caller = Caller(peer, authority: authority)
    #expect(caller.rights == .canView)
    authority.adopt(policy([.canView, .canDelete]))
    #expect(caller.rights == [.canView, .canDelete])
    authority.adopt(policy([]))
    #expect(caller.rights == [])
    #expect(caller.rights == [])
  }

  @Test func `A caller that comes after a change is judged by the new policy`() {
    let authority = Authority(policy(.canView))
    authority.adopt(policy(.all))
    #expect(Caller(peer, authority: authority).rights == .all)
  }

  @Test func `A server that has nothing to read anew says so`() throws {
    let server = try TestServer()
    let peer = try server.connect()
    guard case .failure(let error) = try peer.call(.reload) else {
      Issue.record("it reloaded")
      return
    }
    #expect(error.code == .unimplemented)
  }

  @Test func `Once a change is made no thread sees the policy before it, however many change it at once`() {
    let authority = Authority(policy([]))
    let caller = Caller(peer, authority: authority)
    let choices: [Rights] = [.canView, .canRead, [], .all]
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for _ in 0..<10_000 {
        authority.adopt(policy(choices[thread]))
        #expect(choices.contains(caller.rights))
      }
    }
    authority.adopt(policy(.canAudit))
    DispatchQueue.concurrentPerform(iterations: 4) { _ in #expect(caller.rights == .canAudit) }
  }
}
