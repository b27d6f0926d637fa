/// When each key was last found valid, and of which keys the store has not been told it. A validation that finds the key
/// valid costs it one comparison and one store.
struct LastUses: ~Copyable {
  /// Microseconds twice, and one more where the store is to be told.
  private var times = RowArray<Int64>(absent: never)
  /// Of each chunk of rows, how many wait for the store.
  private var waiting: [Int] = []
  private(set) var waitingCount = 0
  /// The row that the present pass has come to.
  private var next = 0

  private static let never = Int64.min
  private static let chunkCount = 1 << RowArray<Int64>.chunkBits
  /// Chunks that one call looks through.
  private static let chunksAtOnce = 8

  subscript(row: Int) -> Instant? {
    let time = times[row]
    return time == Self.never ? nil : Instant(microseconds: time >> 1)
  }

  /// Takes over what the store has.
  /// - Precondition: nothing is known of the row.
  mutating func restore(_ row: Int, _ instant: Instant) {
    times[row] = Self.stored(instant)
  }

  /// Has a row's instant in the cache when it is recorded a little later.
  @inline(__always)
  func prefetch(_ row: Int) {
    times.prefetch(row)
  }

  /// A clock that has gone back changes nothing.
  mutating func record(_ row: Int, at now: Instant) {
    let before = times[row]
    let time = Self.stored(now)
    guard time > before | 1 || before == Self.never else { return }
    times[row] = time | 1
    if before & 1 == 0 { count(row, 1) }
  }

  /// Takes out up to `limit` rows, and fewer where that would take long. Calls make passes over all rows: what is used
  /// behind where a pass has come waits for the next one, so that each comes to its end however much is used meanwhile.
  /// - Returns: the rows, and whether the pass is over.
  mutating func take(limit: Int) -> (uses: [(row: Int, instant: Instant)], isOver: Bool) {
    var taken: [(row: Int, instant: Instant)] = []
    var looked = 0
    while next < waiting.count * Self.chunkCount, taken.count < limit {
      let chunk = next / Self.chunkCount
      let end = (chunk + 1) * Self.chunkCount
      if waiting[chunk] > 0 {
        guard looked < Self.chunksAtOnce else { return (taken, false) }
        looked += 1
      }
      while waiting[chunk] > 0, next < end, taken.count < limit {
        if times[next] & 1 == 1 {
          taken.append((next, Instant(microseconds: times[next] >> 1)))
          times[next] &= ~1
          count(next, -1)
        }
        next += 1
      }
      if waiting[chunk] == 0 { next = end }
    }
    let isOver = next >= waiting.count * Self.chunkCount
    if isOver { next = 0 }
    return (taken, isOver)
  }

  /// Has what was taken out taken out again another time.
  mutating func putBack(_ row: Int) {
    guard times[row] != Self.never, times[row] & 1 == 0 else { return }
    times[row] |= 1
    count(row, 1)
  }

  mutating func remove(_ row: Int) {
    guard times[row] != Self.never else { return }
    if times[row] & 1 == 1 { count(row, -1) }
    times[row] = Self.never
  }

  private mutating func count(_ row: Int, _ change: Int) {
    let chunk = row / Self.chunkCount
    while chunk >= waiting.count { waiting.append(0) }
    waiting[chunk] += change
    waitingCount += change
  }

  private static func stored(_ instant: Instant) -> Int64 { max(.epoch, min(instant, .latest)).microseconds << 1 }
}
