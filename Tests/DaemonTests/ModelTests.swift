import Foundation
import KeywardClient
import KeywardCore
import KeywardWire
import TestSupport
import Testing

/// Random operations by three users with different rights, each answer held against a model, with a crash and a
/// restart in the middle.
@Suite(.enabled(if: isRoot, "needs root, to be other users; CI is"))
struct ModelTests {
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `Two hundred random operations come to what the model says`(seed: UInt64) throws {
    let host = try Configured(rights: ModelRun.rights)
    var run = ModelRun(seed: seed)
    try run.connect(to: host.daemon.scratch)
    for _ in 0..<100 { try run.step() }
    try run.compareLists()
    #expect(host.daemon.end(SIGKILL) == -SIGKILL)
    let scratch = host.daemon.scratch
    let second = try Daemon(
      scratch,
      arguments: ["--config", host.path, "--socket", scratch.socket, "--database", scratch.database])
    try run.connect(to: scratch)
    try run.compareLists()
    for _ in 0..<100 { try run.step() }
    try run.compareLists()
    #expect(second.end() == 0)
    #expect(run.acceptedCount > 25, "only \(run.acceptedCount) changes were accepted, which shows little")
  }
}

/// One run: the daemon's side by three connections, and the model's.
private struct ModelRun {
  private enum User: UInt32, CaseIterable {
    case keeper = 7001
    case viewer = 7002
    case service = 7003

    var rights: Rights {
      switch self {
      case .keeper: [.canView, .canRead, .canCreate, .canUpdate, .canDelete]
      case .viewer: [.canView, .canRead]
      case .service: [.canValidateChat]
      }
    }
  }

  static var rights: [String: Rights] {
    Dictionary(uniqueKeysWithValues: User.allCases.map { ("user:\($0.rawValue)", $0.rights) })
  }

  private var generator: SeededGenerator
  private var model = KeyModel()
  private var peers: [User: RawConnection] = [:]
  private(set) var acceptedCount = 0

  /// Few enough that names meet.
  private static let names = ["alpha", "beta", "gamma", "delta", "alpha_1", "beta_2"]
  private static let future: Int64 = 4_000_000_000

  init(seed: UInt64) {
    generator = SeededGenerator(state: seed)
  }

  mutating func connect(to scratch: Scratch) throws {
    for user in User.allCases {
      peers[user] = try RawConnection(scratch.socket, uid: user.rawValue, gids: [user.rawValue])
    }
  }

  mutating func step() throws {
    // The one who may do most does most.
    let user = pick([.keeper, .keeper, .keeper, .keeper, .viewer, .service] as [User])
    switch Int.random(in: 0..<10, using: &generator) {
    case 0..<6: try change(by: user)
    case 6..<9: try validate(by: user)
    default: try look(by: user)
    }
  }

  /// Every key, as everybody who may see keys sees them.
  func compareLists() throws {
    for user in [.keeper, .viewer] as [User] {
      let query = try ListQuery(showDeleted: true, order: ListOrder(.name), pageSize: 1000)
      guard case .listKeys(let page, _) = try peer(user).call(.listKeys(query)).get() else { return }
      #expect(page.totalSize == model.entries.count)
      let told = Set(page.keys.map { "\($0.key.id) \($0.key.name.text) \($0.state.name)" })
      #expect(told == Set(model.entries.map { "\($0.id) \($0.name) \($0.state.name)" }))
    }
  }

  private mutating func change(by user: User) throws {
    let action = randomAction()
    let result = try peer(user).call(.change(ChangeRequest(action)))
    guard user.rights.isSuperset(of: Self.right(for: action)) else {
      expect(result, .permissionDenied, action, user)
      return
    }
    guard case .success(.changed(_, let view, let secret, _)) = result else {
      if case .refused(let code) = model.predict(action, newID: randomID()) {
        expect(result, code, action, user)
      } else {
        expect(result, .ok, action, user)
      }
      return
    }
    guard case .accepted(var entry) = model.predict(action, newID: view.key.id) else {
      Issue.record("accepted against the model: \(action)")
      return
    }
    acceptedCount += 1
    if let secret { entry.secrets.append((secret, true)) }
    model.put(entry)
    #expect(view.key.id == entry.id)
    #expect(view.key.name.text == entry.name)
    #expect(view.key.permission == entry.permission)
    #expect(view.key.enabled == entry.enabled)
    #expect(view.key.expireTime == entry.expireTime)
    #expect(view.state == entry.state)
  }

  private mutating func validate(by user: User) throws {
    let permission = pick(Permission.allCases)
    let known = model.entries.flatMap { $0.secrets.map(\.secret) }
    let secret = known.isEmpty || chance(1, of: 10) ? Secret.random(for: .chat, using: &generator) : pick(known)
    let result = try peer(user).call(.validateKey(secret, permission, asOf: nil))
    guard user.rights.isSuperset(of: .validating(permission)) else {
      if case .failure(let error) = result { #expect(error.code == .permissionDenied) }
      #expect(throws: CallError.self) { try result.get() }
      return
    }
    guard case .success(.validateKey(let validation)) = result else {
      Issue.record("no verdict: \(result)")
      return
    }
    #expect(validation.verdict == model.verdict(on: secret, for: permission))
  }

  private mutating func look(by user: User) throws {
    let id = randomID()
    let result = try peer(user).call(.getKey(.id(id)))
    guard user.rights.contains(.canRead) else {
      #expect(throws: CallError.self) { try result.get() }
      return
    }
    switch (result, model.entry(id)) {
    case (.success(.getKey(let view, _)), let entry?):
      #expect(view.key.name.text == entry.name)
      #expect(view.state == entry.state)
    case (.failure(let error), nil): #expect(error.code == .notFound)
    default: Issue.record("the daemon and the model do not agree whether \(id) is there")
    }
  }

  private func expect(
    _ result: Result<Reply, CallError>, _ code: StatusCode, _ action: ChangeRequest.Action, _ user: User
  ) {
    switch result {
    case .success: #expect(code == .ok, "\(user) was let do \(action)")
    case .failure(let error): #expect(error.code == code, "\(user) tried \(action): \(error.message)")
    }
  }

  private mutating func randomAction() -> ChangeRequest.Action {
    let id = randomID()
    let name = KeyName(checked: pick(Self.names))
    switch Int.random(in: 0..<12, using: &generator) {
    case 0..<3:
      return .create(
        CreateKey(
          name: name, permission: pick(Permission.allCases), enabled: !chance(1, of: 5), expireTime: randomExpiry()))
    case 3: return .update(id, KeyUpdate(name: name))
    case 4: return .update(id, KeyUpdate(enabled: chance(1, of: 2)))
    case 5: return .update(id, KeyUpdate(expiry: randomExpiry().map { .at($0) } ?? .never))
    case 6: return .update(id, KeyUpdate(name: name, enabled: chance(1, of: 2), expiry: .never))
    case 7: return chance(1, of: 2) ? .revoke(id, Revocation()) : .delete(id)
    case 8: return .undelete(id)
    case 9, 10: return .copy(id, CopyKey())
    default:
      // Both are in range.
      guard let rotation = try? RotateKey(graceSeconds: chance(1, of: 2) ? 0 : 86400) else { return .delete(id) }
      return .rotate(id, rotation)
    }
  }

  private static func right(for action: ChangeRequest.Action) -> Rights {
    switch action {
    case .create, .copy: .canCreate
    case .update, .revoke, .rotate: .canUpdate
    case .delete, .undelete: .canDelete
    }
  }

  /// Mostly a key that is there.
  private mutating func randomID() -> KeyID {
    model.entries.isEmpty || chance(1, of: 10) ? .random(at: .noon, using: &generator) : pick(model.entries.map(\.id))
  }

  private mutating func randomExpiry() -> Instant? {
    chance(1, of: 2) ? nil : Instant(seconds: Self.future + .random(in: 0..<1000, using: &generator))
  }

  private func peer(_ user: User) throws -> RawConnection { try #require(peers[user]) }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &generator)]
  }

  private mutating func chance(_ count: Int, of total: Int) -> Bool {
    Int.random(in: 0..<total, using: &generator) < count
  }
}
