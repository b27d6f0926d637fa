import Dispatch
import KeywardCore
import Synchronization

/// Reads every key on a thread of its own, while the caller's takes in those that were read before: at a million keys
/// either takes about a second.
///
/// Concurrency: the statements are used on the reading thread alone, from ``forEachKey(_:)``'s beginning to its end,
/// during which the store has no other caller: `@unchecked Sendable` because of that.
final class KeyLoader: @unchecked Sendable {
  private let connection: StoreConnection
  private let limit: Revision

  private struct Shelf {
    var batches: [Batch] = []
    /// Whether the caller wants no more.
    var isAbandoned = false
  }

  private enum Batch: Sendable {
    case keys([StoredKey])
    case end(KeyCursor.Failure?)
  }

  private let queue = DispatchQueue(label: "keyward.loader", qos: .userInitiated)
  private let shelf = Mutex(Shelf())
  private let filled = DispatchSemaphore(value: 0)
  private let room = DispatchSemaphore(value: KeyLoader.batchLimit)

  /// Batches that lie ready at most.
  private static let batchLimit = 4
  private static let batchCount = 1024

  /// - Parameter limit: the store's revision.
  init(_ connection: StoreConnection, limit: Revision) {
    self.connection = connection
    self.limit = limit
  }

  /// Hands over each key, in the order of the ordinals, on the caller's thread.
  func forEachKey(
    _ receive: (StoredKey) throws(StoreError) -> Void, failing: (SQLiteError) -> StoreError
  ) throws(StoreError) {
    queue.async { self.read() }
    // The reading thread has let go of the connection by then, which the caller may be about to close.
    defer { queue.sync {} }
    while true {
      switch take() {
      case .end(nil): return
      case .end(.database(let error)): throw failing(error)
      case .end(.row(let error)): throw error
      case .keys(let keys):
        do throws(StoreError) {
          for key in keys { try receive(key) }
        } catch {
          abandon()
          throw error
        }
      }
    }
  }

  private func take() -> Batch {
    filled.wait()
    defer { room.signal() }
    return shelf.withLock { $0.batches.removeFirst() }
  }

  private func abandon() {
    shelf.withLock { $0.isAbandoned = true }
    while true {
      if case .end = take() { return }
    }
  }

  // MARK: On the reading thread

  private func read() {
    var failure: KeyCursor.Failure?
    do throws(KeyCursor.Failure) {
      try readAll()
    } catch {
      failure = error
    }
    connection.statements.keys.finish()
    connection.statements.digests.finish()
    // From here on the connection is the caller's again.
    put(.end(failure))
  }

  private func readAll() throws(KeyCursor.Failure) {
    var cursor = try opened()
    var batch: [StoredKey] = []
    batch.reserveCapacity(Self.batchCount)
    while let key = try cursor.next() {
      batch.append(key)
      guard batch.count == Self.batchCount else { continue }
      guard put(.keys(batch)) else { return }
      batch.removeAll(keepingCapacity: true)
    }
    put(.keys(batch))
  }

  private func opened() throws(KeyCursor.Failure) -> KeyCursor {
    do throws(SQLiteError) {
      return try KeyCursor(
        keys: connection.statements.keys, digests: connection.statements.digests, limit: limit)
    } catch {
      throw .database(error)
    }
  }

  /// - Returns: whether the caller wants more.
  @discardableResult
  private func put(_ batch: Batch) -> Bool {
    room.wait()
    defer { filled.signal() }
    return shelf.withLock { shelf in
      shelf.batches.append(batch)
      return !shelf.isAbandoned
    }
  }
}
