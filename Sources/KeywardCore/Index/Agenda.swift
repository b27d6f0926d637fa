/// What time will do to keys: for each row the next instant that matters, in a binary heap, the earliest first.
///
/// A row is in it once or not at all, so that nothing is done twice and many changes of one key make it no longer.
struct Agenda: ~Copyable {
  /// In words of four bytes, so that it takes twelve.
  private struct Entry {
    private let high: Int32
    private let low: UInt32
    let row: UInt32

    init(instant: Instant, row: UInt32) {
      high = Int32(instant.microseconds >> 32)
      low = UInt32(truncatingIfNeeded: instant.microseconds)
      self.row = row
    }

    var instant: Instant { Instant(microseconds: Int64(high) << 32 | Int64(low)) }
  }

  private var heap = ChunkedArray<Entry>()
  /// Of each row its place in the heap; ``absent`` where it is not there.
  private var places = RowArray<UInt32>(absent: absent)

  private static let absent = UInt32.max

  /// nil where nothing is to come.
  var next: Instant? { heap.first?.instant }

  var count: Int { heap.count }

  /// Has a row come up at an instant, in the place of the one before; nil for never.
  mutating func set(_ row: Int, at instant: Instant?) {
    let place = places[row]
    guard let instant else { return place == Self.absent ? () : remove(at: Int(place)) }
    let entry = Entry(instant: instant, row: UInt32(row))
    if place == Self.absent {
      heap.append(entry)
      settle(heap.count - 1)
    } else {
      heap[Int(place)] = entry
      settle(Int(place))
    }
  }

  /// Takes out the earliest row if its instant has come.
  mutating func takeDue(at now: Instant) -> Int? {
    guard let first = heap.first, first.instant <= now else { return nil }
    remove(at: 0)
    return Int(first.row)
  }

  private mutating func remove(at place: Int) {
    places[Int(heap[place].row)] = Self.absent
    let last = heap.removeLast()
    guard place < heap.count else { return }
    heap[place] = last
    settle(place)
  }

  /// Moves the entry at a place up or down to where it belongs.
  private mutating func settle(_ start: Int) {
    let entry = heap[start]
    var place = start
    while place > 0, entry.instant < heap[(place - 1) / 2].instant {
      put(heap[(place - 1) / 2], at: place)
      place = (place - 1) / 2
    }
    while place >= start {
      let left = 2 * place + 1
      guard left < heap.count else { break }
      let right = left + 1
      let child = right < heap.count && heap[right].instant < heap[left].instant ? right : left
      guard heap[child].instant < entry.instant else { break }
      put(heap[child], at: place)
      place = child
    }
    put(entry, at: place)
  }

  private mutating func put(_ entry: Entry, at place: Int) {
    heap[place] = entry
    places[Int(entry.row)] = UInt32(place)
  }
}
