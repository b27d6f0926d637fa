import KeywardWire

/// Replies on their way out, with the instants until which their peers wait for them.
struct Outbox: ~Copyable {
  private struct Due {
    /// Where the reply ends, counted from the connection's first byte.
    let end: UInt64
    let deadline: Deadline
  }

  /// What is still to be sent.
  var bytes = ByteBuffer()
  private var sentCount: UInt64 = 0
  private var due: [Due] = []
  /// Replies at the front of ``due`` that have left whole.
  private var doneCount = 0

  /// Deadlines remembered without giving memory back.
  private static let keptCapacity = 256

  /// The earliest deadline of the replies that have not left whole.
  var nextDeadline: Deadline { due[doneCount...].lazy.map(\.deadline).min() ?? .never }

  /// Says that what was appended last is a reply, and until when it is waited for.
  mutating func markReply(by deadline: Deadline) {
    guard deadline != .never else { return }
    due.append(Due(end: sentCount + UInt64(bytes.count), deadline: deadline))
  }

  /// Says that so many bytes have left.
  mutating func sent(_ count: Int) {
    bytes.consume(count)
    sentCount += UInt64(count)
    while doneCount < due.count, due[doneCount].end <= sentCount { doneCount += 1 }
    if doneCount == due.count, doneCount > 0 {
      due.removeAll(keepingCapacity: due.capacity <= Self.keptCapacity)
      doneCount = 0
    } else if doneCount > 256, doneCount * 2 > due.count {
      due.removeFirst(doneCount)
      doneCount = 0
    }
  }
}
