/// The connections of a reactor, by slots that are used again under a new generation.
struct ConnectionTable {
  private var slots: [Connection?] = []
  private var freeSlots: [UInt32] = []
  private var generation: UInt32 = 0
  private(set) var count = 0

  var all: [Connection] { slots.compactMap { $0 } }

  /// nil for a connection that has been closed.
  subscript(id: ConnectionID) -> Connection? {
    guard Int(id.slot) < slots.count, let connection = slots[Int(id.slot)], connection.id == id else { return nil }
    return connection
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
    slots[Int(connection.id.slot)] = nil
    freeSlots.append(connection.id.slot)
    count -= 1
  }
}
