import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do with changes that belong together, over each of them.
@Suite struct GroupContractTests {
  @Test("Changes that belong together are made together", arguments: StoreSubject.all)
  func whole(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let a = try rig.store.make(.insert(1))
    let b = try rig.store.make(.insert(2))
    let results = try rig.store.commitTogether(
      [.replace(a, .disabled) { $0.enabled = false }, .purge(b), .insert(3)], at: .noon)
    #expect(
      try results.get() == [
        Placement(ordinal: 1, revision: 3), Placement(ordinal: 2, revision: 4), Placement(ordinal: 3, revision: 5),
      ])
    let store = try rig.reopened()
    #expect(try store.contents().keys.map(\.key.id) == [.sample(1), .sample(3)])
    #expect(try store.audit().map(\.type) == [.created, .created, .disabled, .purged, .created])
  }

  @Test("A conflict of one leaves all of them out, and nothing behind", arguments: StoreSubject.all)
  func conflict(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let a = try rig.store.make(.insert(1))
    let b = try rig.store.make(.insert(2))
    let before = try rig.store.contents()
    let later = Instant.noon.adding(seconds: 60)
    let results = try rig.store.commitTogether(
      [.purge(a), .replace(b.with(revision: 99)) { $0.enabled = false }, .insert(3)], at: later)
    #expect(results == .failure(ConflictAmongChanges(index: 1, conflict: .changed)))
    #expect(try rig.store.contents() == before)
    #expect(try rig.store.audit().count == 2)
    #expect(try rig.store.make(.insert(4), at: later).revision == 3, "the next change goes on from before")
    let store = try rig.reopened()
    #expect(try store.contents().keys.map(\.key.id) == [.sample(1), .sample(2), .sample(4)])
    #expect(try store.audit().map(\.revision) == [1, 2, 3])
  }

  @Test("The largest group is changed in one commit, or not at all")
  func largest() throws {
    let folder = try TemporaryFolder()
    let store = try SQLiteStore(path: folder.database)
    let registry = try Registry(store: store)
    let commands = try (0..<GroupChange.maxCount).map { number in
      Command(
        ChangeRequest(.create(CreateKey(name: try KeyName("k\(number)"), permission: .chat))), by: .sample)
    }
    var keys = try registry.commit(commands, at: .noon).map { try $0.get().view.key }
    let last = keys.removeLast()
    func group(_ keys: [Key]) throws -> GroupChange {
      try GroupChange(.delete, of: keys.map { KeyVersion(id: $0.id, etag: $0.revision) })
    }
    #expect(throws: DomainError.self) {
      try registry.commit(group(keys + [last.with(revision: 1)]), by: .sample, at: .noon)
    }
    #expect(registry.keyCount == GroupChange.maxCount)
    #expect(try registry.commit(group(keys + [last]), by: .sample, at: .noon).changed.count == GroupChange.maxCount)
    #expect(registry.keyCount == 0)
    store.close()
    #expect(try Registry(store: SQLiteStore(path: folder.database)).keyCount == 0)
  }
}
