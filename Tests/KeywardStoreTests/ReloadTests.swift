import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// A registry's memory and its store say the same.
@Suite struct ReloadTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A command like any that a peer might send.
  private func command(
    on keys: [KeyID], at now: Instant, using generator: inout SampleGenerator
  ) throws -> Command {
    let name = try KeyName("name-\(Int.random(in: 0..<8, using: &generator))")
    let id = keys.randomElement(using: &generator) ?? .sample(0)
    let later = now.adding(seconds: .random(in: 1...5000, using: &generator))
    let grace = try RotateKey(graceSeconds: .random(in: 0...4000, using: &generator))
    let action: ChangeRequest.Action =
      switch Int.random(in: 0..<9, using: &generator) {
      case 0, 1: .create(CreateKey(name: name, permission: .chat))
      case 2: .update(id, KeyUpdate(name: name))
      case 3: .update(id, KeyUpdate(enabled: .random(using: &generator), expiry: .at(later)))
      case 4: .revoke(id, Revocation(time: later, reason: try RevokeReason("left")))
      case 5: .delete(id)
      case 6: .undelete(id)
      case 7: .copy(id, CopyKey())
      default: .rotate(id, grace)
      }
    let requestID = try RequestID("r\(Int.random(in: 0..<40, using: &generator))")
    return Command(
      ChangeRequest(action, requestID: Bool.random(using: &generator) ? requestID : nil), by: .sample)
  }

  @Test("A registry that is loaded anew knows every key and judges every secret as before", arguments: 1...5)
  func reload(_ seed: Int) throws {
    var generator = SampleGenerator(seed: UInt64(seed))
    let store = try SQLiteStore(path: folder.database)
    let registry = try Registry(store: store)
    var (keys, secrets, now) = ([KeyID](), [Secret](), Instant.noon)
    for _ in 0..<80 {
      let commands = try (0..<5).map { _ in try command(on: keys, at: now, using: &generator) }
      for case .success(let outcome) in registry.commit(commands, at: now) {
        if !keys.contains(outcome.view.key.id) { keys.append(outcome.view.key.id) }
        if let secret = outcome.secret { secrets.append(secret) }
      }
      now = now.adding(seconds: .random(in: 0...200, using: &generator))
    }
    #expect(try store.verifyAudit().isSound)
    store.close()

    let again = try Registry(store: try SQLiteStore(path: folder.database))
    #expect(again.revision == registry.revision)
    #expect(again.keyCount == registry.keyCount)
    for id in keys { #expect(try again.key(id: id, at: now) == registry.key(id: id, at: now)) }
    for instant in [now, now.adding(seconds: 1000), now.adding(seconds: 3000)] {
      for secret in secrets {
        #expect(
          again.validate(secret.presented, for: .chat, at: instant)
            == registry.validate(secret.presented, for: .chat, at: instant))
      }
    }
  }
}
