import KeywardCore
import Synchronization
import UnixSocket

/// Names of users, each asked of the host's name services at most once in a while. A name that could be taken for the
/// daemon's own in the audit (``Actor/reservedPrefix``) counts as none.
///
/// Concurrency: any thread; the lock is not held while the name services are asked.
final class UserNameCache: Sendable {
  private struct Entry {
    let name: String
    let end: UInt64
  }

  /// Nanoseconds that a name is good for: short, for ids are given to other users again (systemd's DynamicUser=).
  private static let lifetime: UInt64 = 10_000_000_000
  /// Names kept at once.
  private static let capacity = 1024

  private let clock: Clock
  private let lookUp: @Sendable (UInt32) -> String
  private let entries = Mutex<[UInt32: Entry]>([:])

  /// - Parameter lookUp: asks the name services; gives the number for a user that has no name.
  init(clock: Clock, lookUp: @escaping @Sendable (UInt32) -> String = { UserNames.name(of: $0) }) {
    self.clock = clock
    self.lookUp = lookUp
  }

  /// The name if it is known; the number for a user that has none.
  func cachedName(of uid: UInt32) -> String? {
    let now = clock.monotonicNanoseconds()
    return entries.withLock { $0[uid].flatMap { $0.end > now ? $0.name : nil } }
  }

  /// The name; the number for a user that has none. Blocks for as long as the name services do.
  func name(of uid: UInt32) -> String {
    if let name = cachedName(of: uid) { return name }
    let found = lookUp(uid)
    let name = found.first == Actor.reservedPrefix ? String(uid) : found
    let end = clock.monotonicNanoseconds() + Self.lifetime
    entries.withLock { entries in
      if entries.count >= Self.capacity { entries.removeAll() }
      entries[uid] = Entry(name: name, end: end)
    }
    return name
  }
}
