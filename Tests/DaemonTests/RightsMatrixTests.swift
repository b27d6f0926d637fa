import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Every method, by real peers that hold each right alone, and by ones that hold all but that.
@Suite(.enabled(if: isRoot, "needs root, to be other users; CI is"))
struct RightsMatrixTests {
  /// A call and the right it takes; nil where it takes none.
  private struct Attempt {
    let request: OutgoingRequest
    let right: Rights?
  }

  /// Every way to call a method that takes another right. A method that is added is added here.
  private func attempts(_ method: Method) throws -> [Attempt] {
    switch method {
    case .validateKey:
      Permission.allCases.map { permission in
        var generator = SystemRandomNumberGenerator()
        let secret = Secret.random(for: permission, using: &generator)
        return Attempt(request: .validateKey(secret, permission, asOf: nil), right: .validating(permission))
      }
    case .validateKeys:
      [[Permission.chat], [.secureMail], [.chat, .secureMail]].map { permissions in
        var generator = SystemRandomNumberGenerator()
        let questions = permissions.map { (secret: Secret.random(for: $0, using: &generator), permission: $0) }
        let right = permissions.reduce(into: Rights()) { $0.formUnion(.validating($1)) }
        return Attempt(request: .validateKeys(questions, asOf: nil), right: right)
      }
    case .createKey:
      [
        Attempt(
          request: .createKey(CreateKey(name: try KeyName("k-\(UUID().uuidString)"), permission: .chat)),
          right: .canCreate)
      ]
    case .getKey: [Attempt(request: .getKey(.name(try KeyName("first"))), right: .canRead)]
    case .listKeys: [Attempt(request: .listKeys(try ListQuery(pageSize: 1)), right: .canView)]
    case .updateKey: [change(.update(.sample(1), KeyUpdate(enabled: true)), .canUpdate)]
    case .revokeKey: [change(.revoke(.sample(1), Revocation()), .canUpdate)]
    case .rotateKey: [change(.rotate(.sample(1), try RotateKey(graceSeconds: 0)), .canUpdate)]
    case .deleteKey: [change(.delete(.sample(1)), .canDelete)]
    case .undeleteKey: [change(.undelete(.sample(1)), .canDelete)]
    case .batchUpdateKeys: [try group(.update(KeyUpdate(enabled: true)), .canUpdate)]
    case .batchRevokeKeys: [try group(.revoke(Revocation()), .canUpdate)]
    case .batchDeleteKeys: [try group(.delete, .canDelete)]
    case .copyKey: [change(.copy(.sample(1), CopyKey()), .canCreate)]
    case .verifyAudit: [Attempt(request: .verifyAudit, right: .canAudit)]
    // Not by ttrpc, whatever the right: WatchTests has it by gRPC.
    case .watchKeys: []
    case .importKeys:
      [
        Attempt(
          request: .importKeys(
            [
              KeyToImport(
                try ImportKey(
                  name: try KeyName("k-\(UUID().uuidString)"), permission: .chat,
                  credential: ImportCredential(digest: Secret.text(UUID().uuidString).digest)), secret: nil)
            ], ImportOptions()), right: .canCreate)
      ]
    case .listAuditEvents: [Attempt(request: .listAuditEvents(try AuditPageQuery(AuditQuery())), right: .canAudit)]
    case .getStatus: [Attempt(request: .getStatus, right: .canOperate)]
    case .whoAmI: [Attempt(request: .whoAmI, right: nil)]
    case .reload: [Attempt(request: .reload, right: .canOperate)]
    }
  }

  /// A change of a key that is not there: whoever is let in is told so.
  private func change(_ action: ChangeRequest.Action, _ right: Rights) -> Attempt {
    Attempt(request: .change(ChangeRequest(action)), right: right)
  }

  /// A change of many keys that are not there.
  private func group(_ action: GroupChange.Action, _ right: Rights) throws -> Attempt {
    let keys = [KeyVersion(id: .sample(1), etag: nil), KeyVersion(id: .sample(2), etag: nil)]
    return Attempt(request: .groupChange(try GroupChange(action, of: keys)), right: right)
  }

  /// Calls every method and looks whether it is let in by what the peer holds.
  private func probe(_ peer: RawConnection, holding rights: Rights, _ who: String) throws {
    #expect(try peer.rights() == rights, "\(who)")
    for method in Method.allCases {
      for attempt in try attempts(method) {
        let isGranted = attempt.right.map(rights.isSuperset) ?? true
        let comment: Comment = "\(who) calls \(method.name), holding \(rights.names)"
        switch try peer.call(attempt.request) {
        case .success: #expect(isGranted, comment)
        case .failure(let error) where error.code == .notFound: #expect(isGranted, comment)
        case .failure(let error):
          #expect(!isGranted, "\(comment): \(error.message)")
          #expect(error.code == .permissionDenied, comment)
          #expect(error.message.contains("needs the right can"), comment)
        }
      }
    }
  }

  @Test(arguments: Rights.everyName)
  func `A right lets in what it is for and nothing else`(name: String) throws {
    let right = try #require(Rights(name: name))
    let rest = Rights.all.subtracting(right)
    let host = try Configured(rights: [
      "user:5001": right, "group:6001": right, "user:5002": rest, "group:6002": rest,
    ])
    _ = try host.daemon.client().createKey(CreateKey(name: try KeyName("first"), permission: .chat))
    try probe(host.connect(uid: 5001, gids: [100]), holding: right, "a user")
    try probe(host.connect(uid: 4242, gids: [6001]), holding: right, "a member by its primary group")
    try probe(host.connect(uid: 4242, gids: [100, 7, 6001]), holding: right, "a member by another group")
    try probe(host.connect(uid: 5002, gids: [100]), holding: rest, "a user with the rest")
    try probe(host.connect(uid: 4242, gids: [100, 6002]), holding: rest, "a member with the rest")
    try probe(host.connect(uid: 5001, gids: [6002]), holding: .all, "a user and member")
    try probe(host.connect(uid: 4242, gids: [5001, 5002]), holding: [], "a member of groups with users' numbers")
    try probe(host.connect(uid: 6001, gids: [100]), holding: [], "a user with a group's number")
    try probe(host.connect(uid: 65534, gids: [6001, 6002]), holding: [], "the overflow user as a member")
    try probe(
      host.connect(uid: 4242, gids: [65534, 6001]), holding: right, "a member that is also of the overflow group")
  }

  @Test func `Names of users and groups are the host's own`() throws {
    let user = try #require(getpwnam("daemon")?.pointee.pw_uid)
    let group = try #require(getgrnam("www-data")?.pointee.gr_gid)
    let host = try Configured(rights: ["user:daemon": .canView, "group:www-data": .canRead])
    #expect(try host.connect(uid: user, gids: [group]).rights() == [.canView, .canRead])
    #expect(try host.connect(uid: user + 1, gids: [group + 1]).rights() == [])
  }

  @Test func `Root holds all, granted or not, also as a member of few rights`() throws {
    let host = try Configured(rights: ["group:6001": .canView])
    _ = try host.daemon.client().createKey(CreateKey(name: try KeyName("first"), permission: .chat))
    try probe(host.connect(uid: 0, gids: [6001]), holding: .all, "root")
  }
}

/// The same through the real client, as another process of another user.
@Suite(
  .enabled(
    if: isRoot && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"),
    "needs root, to be other users; CI is"))
struct ChannelRightsTests {
  @Test(arguments: [
    ("chat", "--groups=7,6001", 0), ("chat", "--groups=7,6002", EX_NOPERM), ("secure-mail", "--groups=6002", 0),
    ("secure-mail", "--groups=6001", EX_NOPERM), ("chat", "--groups=6001,6002", 0),
    ("chat", "--clear-groups", EX_NOPERM),
    ("secure-mail", "--groups=6003", 0), ("chat", "--groups=6003", 0),
  ])
  func `A service validates for the channel that its group was granted`(
    channel: String, groups: String, status: Int32
  ) throws {
    let host = try Configured(rights: [
      "group:6001": .canValidateChat, "group:6002": .canValidateSecureMail, "group:6003": .canValidate,
    ])
    let permission = try #require(Permission(name: channel))
    let secret = try host.daemon.client().createKey(CreateKey(name: try KeyName("k"), permission: permission)).secret
    let products = try PublicProducts()
    let told = try Command(
      [
        "/usr/bin/setpriv", "--reuid=4242", "--regid=4242", groups, products.client, "validate", "--permission",
        channel,
      ],
      input: secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) },
      environment: ["KEYWARD_SOCKET": host.daemon.scratch.socket])
    #expect(told.status == status, "\(told.errors)")
    if status != 0 { #expect(told.errors.contains("canValidate"), "\(told.errors)") }
  }
}
