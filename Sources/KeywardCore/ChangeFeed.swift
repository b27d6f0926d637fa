import Synchronization

/// The latest changes in the order of their revisions, for all who watch: each of them has a place in it and nothing of
/// its own. What has left it, for it holds so many and no more, is in the audit.
///
/// Concurrency: changes come from the registry's one committer; whatever else may be asked from any thread.
public final class ChangeFeed: Sendable {
  /// What comes after a revision.
  public enum Piece: Sendable {
    /// The changes that follow it, without a gap; empty where there are none yet.
    case events([KeyEvent])
    /// What follows it has left the feed.
    case gone
  }

  private struct Ring {
    var events: [KeyEvent] = []
    /// The revision of the change that came to lie at the beginning first; the others follow it round and round.
    var base: Revision
    var newest: Revision
    var isAwaited = false

    init(after revision: Revision) {
      base = revision + 1
      newest = revision
    }

    var oldest: Revision { newest - Revision(events.count) + 1 }
  }

  private let capacity: Int
  private let ring: Mutex<Ring>
  private let listener = Mutex<Hook?>(nil)

  /// Some 400 bytes each.
  public static let defaultCapacity = 4096

  /// - Parameters:
  ///   - revision: the last that was made before the feed.
  ///   - capacity: how many changes it holds, at least 1.
  public init(after revision: Revision, capacity: Int = ChangeFeed.defaultCapacity) {
    self.capacity = max(1, capacity)
    ring = Mutex(Ring(after: revision))
  }

  /// The revision of the latest change.
  public var newest: Revision { ring.withLock { $0.newest } }

  /// Has something called once there is news, where that was awaited. It is called by the committer, and must take no
  /// time.
  public func observe(_ body: @escaping @Sendable () -> Void) {
    listener.withLock { $0 = Hook(body) }
  }

  /// Has the observer told of the next change.
  /// - Returns: false where one has come after the revision already, of which nobody is told then.
  public func awaitNews(after revision: Revision) -> Bool {
    ring.withLock { ring in
      guard ring.newest <= revision else { return false }
      ring.isAwaited = true
      return true
    }
  }

  /// The changes after a revision, the first `limit` of them.
  public func events(after revision: Revision, limit: Int) -> Piece {
    ring.withLock { ring in
      guard revision < ring.newest else { return .events([]) }
      guard revision >= ring.oldest - 1 else { return .gone }
      let last = min(ring.newest, revision + Revision(limit))
      return .events((revision + 1...last).map { ring.events[Int($0 - ring.base) % capacity] })
    }
  }

  func append(_ event: KeyEvent) {
    let isAwaited = ring.withLock { ring in
      // What is missing before it is in the audit, and so is what was before that.
      if event.revision != ring.newest + 1 {
        ring.events.removeAll()
        ring.base = event.revision
      }
      ring.newest = event.revision
      if ring.events.count < capacity {
        ring.events.append(event)
      } else {
        ring.events[Int(event.revision - ring.base) % capacity] = event
      }
      defer { ring.isAwaited = false }
      return ring.isAwaited
    }
    if isAwaited { listener.withLock { $0 }?() }
  }
}
