import CPrefetch
import Synchronization

/// Finds rows by a hash of what they hold: their numbers and 16 bits of each hash, nothing of the rows themselves.
///
/// The hash chooses one of 4096 shards, each a table of its own that doubles alone, so that no insertion moves more than
/// one shard. A shard is buckets of one cache line, each with room for ten rows; a row whose bucket is full goes into
/// the next one that is not. Growing needs no hash anew, for the 16 bits choose the bucket.
///
/// Rows of one hash land in one place: hash what a peer chooses with a secret seed.
struct RowTable: ~Copyable {
  private let shards: UnsafeMutablePointer<Shard>

  private static let shardBits = 12

  init() {
    shards = .allocate(capacity: 1 << Self.shardBits)
    for shard in 0..<1 << Self.shardBits { (shards + shard).initialize(to: Shard()) }
  }

  deinit {
    for shard in 0..<1 << Self.shardBits { shards[shard].deallocate() }
    shards.deinitialize(count: 1 << Self.shardBits)
    shards.deallocate()
  }

  /// The first row under a hash that is the one looked for: 16 bits tell few rows apart, so most calls of `isIt` are
  /// for the right one.
  @inline(__always)
  func row(_ hash: UInt64, where isIt: (Int) -> Bool) -> Int? {
    shards[Self.shard(of: hash)].row(Shard.tag(of: hash), where: isIt)
  }

  // What follows makes look-ups for several rows wait for memory together: each step is taken for all of them before the
  // next one is, so that what one asks for has come when its turn is there again.

  /// The first two steps towards rows of a hash.
  var hint: Hint { Hint(shards: shards) }

  /// The third step: the row that is probably the first one under a hash. Where there is none, there may be one yet.
  @inline(__always)
  func probableRow(_ hash: UInt64) -> Int? {
    shards[Self.shard(of: hash)].probableRow(Shard.tag(of: hash))
  }

  /// The steps that may be taken without the lock round the table.
  ///
  /// Concurrency: it reads atomics alone, and asks for memory that it does not read, so that it does no harm if the table
  /// grows meanwhile; which is what makes it `@unchecked Sendable`.
  /// - Precondition: the table is still there.
  struct Hint: @unchecked Sendable {
    fileprivate let shards: UnsafeMutablePointer<Shard>

    /// The first step.
    @inline(__always)
    func prefetchShard(_ hash: UInt64) {
      prefetch(shards + RowTable.shard(of: hash))
    }

    /// The second step.
    @inline(__always)
    func prefetchBucket(_ hash: UInt64) {
      shards[RowTable.shard(of: hash)].prefetchBucket(Shard.tag(of: hash))
    }
  }

  /// - Precondition: the row is not in the table.
  mutating func insert(_ row: Int, _ hash: UInt64) {
    shards[Self.shard(of: hash)].insert(UInt32(row), Shard.tag(of: hash))
  }

  /// - Parameter hash: the one that the row was inserted with.
  mutating func remove(_ row: Int, _ hash: UInt64) {
    shards[Self.shard(of: hash)].remove(UInt32(row), Shard.tag(of: hash))
  }

  fileprivate static func shard(of hash: UInt64) -> Int { Int(hash >> (64 - UInt64(shardBits))) }
}

/// A cache line: ten tags, of which 0 is an empty place, the count of rows that found the bucket full and went on, and
/// the rows.
private struct Bucket {
  static let byteCount = 64
  static let room = 10

  let start: UnsafeMutableRawPointer

  var tags: UnsafeMutablePointer<UInt16> { start.assumingMemoryBound(to: UInt16.self) }
  var rows: UnsafeMutablePointer<UInt32> { (start + 24).assumingMemoryBound(to: UInt32.self) }
  /// Stays at its highest value, once there, for good.
  var passedCount: UInt16 {
    get { tags[Self.room] }
    nonmutating set { tags[Self.room] = newValue }
  }

  /// Calls with each place that holds a tag, until told to stop.
  @inline(__always)
  func places(of tag: UInt16, _ body: (Int) -> Bool) -> Bool {
    let pattern = UInt64(tag) &* Self.ones
    for word in 0..<3 {
      let difference = start.load(fromByteOffset: word * 8, as: UInt64.self) ^ pattern
      // The highest bit of each lane that is zero; above such a lane one too many may be marked.
      var marks = (difference &- Self.ones) & ~difference & (word < 2 ? Self.highBits : Self.highBits >> 32)
      while marks != 0 {
        let place = word * 4 + marks.trailingZeroBitCount >> 4
        if tags[place] == tag, body(place) { return true }
        marks &= marks &- 1
      }
    }
    return false
  }

  private static let ones: UInt64 = 0x0001_0001_0001_0001
  private static let highBits: UInt64 = 0x8000_8000_8000_8000
}

private struct Shard: ~Copyable {
  // Atomic for ``RowTable/Hint`` alone.
  private let bucketsStart = Atomic<UnsafeMutableRawPointer?>(nil)
  /// The count of buckets, a power of two, less one.
  private let lastBucket = Atomic<UInt32>(0)
  private var count: UInt32 = 0

  private var buckets: UnsafeMutableRawPointer? { bucketsStart.load(ordering: .relaxed) }
  private var mask: UInt32 { lastBucket.load(ordering: .relaxed) }

  /// More would need more bits of each hash.
  private static let maxBucketCount = 1 << 16

  /// The bits that are kept of a hash; never 0.
  static func tag(of hash: UInt64) -> UInt16 { max(1, UInt16(truncatingIfNeeded: hash)) }

  @inline(__always)
  func row(_ tag: UInt16, where isIt: (Int) -> Bool) -> Int? {
    guard buckets != nil else { return nil }
    var number = home(of: tag)
    for _ in 0...mask {
      let bucket = bucket(number)
      var found: Int?
      let isFound = bucket.places(of: tag) { place in
        let row = Int(bucket.rows[place])
        guard isIt(row) else { return false }
        found = row
        return true
      }
      if isFound { return found }
      if bucket.passedCount == 0 { return nil }
      number = next(number)
    }
    return nil
  }

  @inline(__always)
  func prefetchBucket(_ tag: UInt16) {
    if buckets != nil { prefetch(bucket(home(of: tag)).start) }
  }

  @inline(__always)
  func probableRow(_ tag: UInt16) -> Int? {
    guard buckets != nil else { return nil }
    let bucket = bucket(home(of: tag))
    var found: Int?
    _ = bucket.places(of: tag) { place in
      found = Int(bucket.rows[place])
      return true
    }
    return found
  }

  mutating func insert(_ row: UInt32, _ tag: UInt16) {
    if isFull { grow() }
    put(row, tag)
    count += 1
  }

  mutating func remove(_ row: UInt32, _ tag: UInt16) {
    guard buckets != nil else { return }
    var number = home(of: tag)
    for step in 0...mask {
      let bucket = bucket(number)
      let isRemoved = bucket.places(of: tag) { place in
        guard bucket.rows[place] == row else { return false }
        bucket.tags[place] = 0
        return true
      }
      if isRemoved {
        count -= 1
        return leave(home(of: tag), steps: step)
      }
      if bucket.passedCount == 0 { return }
      number = next(number)
    }
  }

  func deallocate() {
    buckets?.deallocate()
  }

  /// Seven eighths of the room are the most that is used.
  private var isFull: Bool {
    guard buckets != nil else { return true }
    let room = (Int(mask) + 1) * Bucket.room
    return Int(count) >= (Int(mask) < Self.maxBucketCount - 1 ? room - room / 8 : room - 1)
  }

  private func home(of tag: UInt16) -> UInt32 { UInt32(tag) & mask }

  private func next(_ number: UInt32) -> UInt32 { (number + 1) & mask }

  @inline(__always)
  private func bucket(_ number: UInt32) -> Bucket {
    guard let buckets else { preconditionFailure("a shard without buckets has no rows") }
    return Bucket(start: buckets + Int(number) * Bucket.byteCount)
  }

  private func put(_ row: UInt32, _ tag: UInt16) {
    var number = home(of: tag)
    while true {
      let bucket = bucket(number)
      for place in 0..<Bucket.room where bucket.tags[place] == 0 {
        bucket.tags[place] = tag
        bucket.rows[place] = row
        return
      }
      if bucket.passedCount < .max { bucket.passedCount += 1 }
      number = next(number)
    }
  }

  /// Takes back what a row that was so many buckets away from its own left on its way.
  private func leave(_ home: UInt32, steps: UInt32) {
    var number = home
    for _ in 0..<steps {
      let bucket = bucket(number)
      if bucket.passedCount < .max { bucket.passedCount -= 1 }
      number = next(number)
    }
  }

  private mutating func grow() {
    let (old, oldCount) = (buckets, buckets == nil ? 0 : Int(mask) + 1)
    let newCount = max(1, oldCount * 2)
    precondition(newCount <= Self.maxBucketCount, "a billion rows are more than memory holds")
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: newCount * Bucket.byteCount, alignment: Bucket.byteCount)
    memory.initializeMemory(as: UInt64.self, repeating: 0, count: newCount * Bucket.byteCount / 8)
    bucketsStart.store(memory, ordering: .relaxed)
    lastBucket.store(UInt32(newCount - 1), ordering: .relaxed)
    guard let old else { return }
    for number in 0..<oldCount {
      let bucket = Bucket(start: old + number * Bucket.byteCount)
      for place in 0..<Bucket.room where bucket.tags[place] != 0 { put(bucket.rows[place], bucket.tags[place]) }
    }
    old.deallocate()
  }
}
