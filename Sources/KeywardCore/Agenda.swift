/// What time will do to keys: a binary heap of the instants that matter, the earliest first.
///
/// An entry may be out of date, for a change of its key only adds another; whoever takes it out looks at the key.
struct Agenda {
  private struct Entry {
    let instant: Instant
    let row: UInt32
  }

  private var heap: [Entry] = []

  /// nil where nothing is to come.
  var next: Instant? { heap.first?.instant }

  mutating func add(_ row: Int, at instant: Instant) {
    heap.append(Entry(instant: instant, row: UInt32(row)))
    var child = heap.count - 1
    while child > 0, heap[child].instant < heap[(child - 1) / 2].instant {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes out the earliest row if its instant has come.
  mutating func takeDue(at now: Instant) -> Int? {
    guard let first = heap.first, first.instant <= now else { return nil }
    heap[0] = heap[heap.count - 1]
    heap.removeLast()
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < heap.count else { break }
      let right = left + 1
      let child = right < heap.count && heap[right].instant < heap[left].instant ? right : left
      guard heap[child].instant < heap[parent].instant else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return Int(first.row)
  }
}
