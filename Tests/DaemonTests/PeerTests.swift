import Foundation
import KeywardClient
import KeywardCore
import Testing

/// Who the kernel says a peer is, with real peers of other users.
@Suite(
  .enabled(
    if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"),
    "needs root, to be other users; CI is"))
struct PeerTests {
  /// Copies that every user may run, wherever the checkout lies.
  private let products: PublicProducts

  init() throws {
    products = try PublicProducts()
  }

  private func keyward(_ arguments: [String], at daemon: Daemon, _ identity: [String], input: String = "") throws
    -> Command
  {
    try Command(
      ["/usr/bin/setpriv"] + identity + [products.client] + arguments, input: input,
      environment: ["KEYWARD_SOCKET": daemon.scratch.socket])
  }

  @Test func `Root holds every right`() throws {
    let daemon = try Daemon()
    let identity = try daemon.client().whoAmI()
    #expect(identity.peer.uid == 0)
    #expect(identity.peer.pid == getpid())
    #expect(identity.user == "root")
    #expect(identity.rights == .all)
  }

  @Test(arguments: [
    ["create", "x", "--permission", "chat"], ["list"], ["show", "x"], ["status"],
  ])
  func `Another user holds no right`(arguments: [String]) throws {
    let daemon = try Daemon()
    let refused = try keyward(arguments, at: daemon, ["--reuid=4242", "--regid=4242", "--clear-groups"])
    #expect(refused.status == EX_NOPERM)
    #expect(refused.errors.contains("can"), "no right is named: \(refused.errors)")
    #expect(try daemon.client().status().keyCount == 0)
    #expect(try daemon.client().status().refusedCallCount == 1)
    #expect(daemon.logText.contains("uid=4242"))
  }

  @Test func `Another user may not validate, not even a good secret`() throws {
    let daemon = try Daemon()
    let secret = try daemon.client().createKey(CreateKey(name: try KeyName("k"), permission: .chat)).secret
    let refused = try keyward(
      ["validate", "--permission", "chat"], at: daemon, ["--reuid=4242", "--regid=4242", "--clear-groups"],
      input: secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    #expect(refused.status == EX_NOPERM)
    #expect(refused.output.isEmpty)
  }

  @Test func `Supplementary groups are those of the process, not of the user database`() throws {
    let daemon = try Daemon()
    let told = try keyward(
      ["whoami", "--output", "json"], at: daemon, ["--reuid=4242", "--regid=4243", "--groups=7,4243,8"])
    #expect(told.status == 0)
    #expect(told.json["uid"] as? Int == 4242)
    #expect(told.json["gids"] as? [Int] == [4243, 7, 8])
    #expect(told.json["user"] as? String == "4242")
    #expect((told.json["rights"] as? [String])?.isEmpty == true)
  }

  /// A daemon that another user runs.
  private func daemon(of uid: UInt32) throws -> Daemon {
    let scratch = try Scratch()
    for folder in [scratch.open, scratch.closed] { chown(folder, uid, uid) }
    return try Daemon(
      scratch, wrapper: ["/usr/bin/setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"],
      program: products.daemon)
  }

  @Test(arguments: [(4242, 0), (65534, EX_NOPERM)] as [(UInt32, Int32)])
  func `The daemon's own user holds every right, and the overflow id none even then`(
    uid: UInt32, status: Int32
  ) throws {
    let daemon = try daemon(of: uid)
    let own = try keyward(["status"], at: daemon, ["--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"])
    #expect(own.status == status, "\(own.errors)")
  }

  @Test func `A socket of somebody else is not told a secret`() throws {
    // To root, 4242 is neither root, itself nor the user keyward.
    let impostor = try daemon(of: 4242)
    #expect {
      try impostor.client()
    } throws: { error in
      if case ClientError.untrusted = error { true } else { false }
    }
    let refused = try Command.keyward(["whoami"], at: impostor.scratch)
    #expect(refused.status == EX_NOPERM)
    #expect(refused.errors.contains("nothing was sent"))
  }
}
