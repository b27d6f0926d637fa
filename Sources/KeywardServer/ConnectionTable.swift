/// The connections of a reactor, by slots that are used again under a new generation.
///
/// One that is removed is kept until ``forgetRemoved()``, so that a turn of the reactor may use connections without
/// counting references to them: each count is an atomic operation, and a validation has time for few.
struct ConnectionTable {
  private var slots: [Connection?] = []
  private var removed: [Connection] = []
  private var freeSlots: [UInt32] = []
  private var generation: UInt32 = 0
  private(set) var count = 0

  var all: [Connection] { slots.compactMap { $0 } }

  /// nil for a connection that has been closed.
  subscript(id: ConnectionID) -> Connection? { uncounted(id)?.takeUnretainedValue() }

  /// As the subscript, until the next ``forgetRemoved()``.
  @inline(__always)
  func uncounted(_ id: ConnectionID) -> Unmanaged<Connection>? {
    guard Int(id.slot) < slots.count, let connection = slots[Int(id.slot)], connection.id == id else { return nil }
    return .passUnretained(connection)
  }

  /// A name for the next connection; ``insert(_:)`` must follow.
  mutating func nextID() -> ConnectionID {
    generation &+= 1
    if let slot = freeSlots.popLast() { return ConnectionID(slot: slot, generation: generation) }
    slots.append(nil)
    return ConnectionID(slot: UInt32(slots.count - 1), generation: generation)
  }

  mutating func insert(_ connection: Connection) {
    slots[Int(connection.id.slot)] = connection
    count += 1
  }

  mutating func remove(_ connection: Connection) {
    removed.append(connection)
    slots[Int(connection.id.slot)] = nil
    freeSlots.append(connection.id.slot)
    count -= 1
  }

  /// Lets go of the connections that were removed, and closes them with that.
  mutating func forgetRemoved() {
    if !removed.isEmpty { removed.removeAll() }
  }
}
