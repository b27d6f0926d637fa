package import KeywardCore
import Synchronization

/// A store in memory that keeps the contract of `Store`, and fails when it is told to.
///
/// Concurrency: any thread; a lock guards all of it.
package final class FakeStore: Store {
  fileprivate struct Content {
    var keys: [StoredKey] = []
    var mark = StoreMark(revision: 0, latestInstant: .epoch)
    var failures: [StoreError] = []
    var commitCount = 0
  }

  private let content: Mutex<Content>

  /// - Parameter keys: what the store holds already, in the order of their ordinals.
  package init(_ keys: [StoredKey] = [], mark: StoreMark = StoreMark(revision: 0, latestInstant: .epoch)) {
    content = Mutex(Content(keys: keys, mark: mark))
  }

  /// The next commit makes none of its changes and throws the error; told so twice, the next two do.
  package func failNextCommit(with error: StoreError) {
    content.withLock { $0.failures.append(error) }
  }

  package var keys: [StoredKey] { content.withLock { $0.keys } }

  package var mark: StoreMark { content.withLock { $0.mark } }

  /// How often the store was asked to commit.
  package var commitCount: Int { content.withLock { $0.commitCount } }

  package func load(_ receive: (StoredKey) throws(StoreError) -> Void) throws(StoreError) -> StoreMark {
    let (keys, mark) = content.withLock { ($0.keys, $0.mark) }
    for key in keys { try receive(key) }
    return mark
  }

  package func commit(_ changes: [Change], at instant: Instant) throws(StoreError) -> [Result<Placement, Conflict>] {
    try content.withLock { (content) throws(StoreError) in
      content.commitCount += 1
      guard content.failures.isEmpty else { throw content.failures.removeFirst() }
      content.mark = StoreMark(
        revision: content.mark.revision, latestInstant: max(content.mark.latestInstant, instant))
      return changes.map { content.make($0) }
    }
  }
}

extension FakeStore.Content {
  fileprivate mutating func make(_ change: Change) -> Result<Placement, Conflict> {
    switch change {
    case .insert(var key, let digest):
      guard !keys.contains(where: { $0.key.id == key.id || $0.digest == digest }) else { return .failure(.duplicate) }
      guard key.deleteTime != nil || !keys.contains(where: { $0.key.deleteTime == nil && $0.key.name == key.name })
      else { return .failure(.nameTaken) }
      let placement = Placement(ordinal: (keys.last?.ordinal ?? 0) + 1, revision: mark.revision + 1)
      key.revision = placement.revision
      keys.append(StoredKey(key: key, digest: digest, ordinal: placement.ordinal))
      mark = StoreMark(revision: placement.revision, latestInstant: mark.latestInstant)
      return .success(placement)
    }
  }
}
