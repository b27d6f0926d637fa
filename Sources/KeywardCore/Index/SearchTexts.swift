/// What the rows of a block are searched by, one text behind the other, each ended by ``separator``; and what tells
/// which of them need not be looked at.
///
/// Rows go by groups of 32. Of its memory it owns none: what it is made in has to be kept as long, and whoever makes it
/// has to ``deallocate()`` it.
struct SearchTexts {
  /// How many bytes all texts of a group that are not empty begin with alike, and how many they end with: those of its
  /// first text.
  struct Shared {
    var first: UInt8
    var last: UInt8
  }

  /// Up to 32 rows that follow each other.
  struct Group {
    let count: Int
    let start: UnsafeRawPointer
    /// Where each row's text ends, the separator counted.
    let ends: UnsafePointer<UInt16>
    let shared: Shared

    /// Whether bytes of the first text are in the others too.
    func sharesBytes(_ range: Range<Int>) -> Bool {
      range.upperBound <= Int(shared.first) || range.lowerBound >= Int(ends[0]) - 1 - Int(shared.last)
    }
  }

  private(set) var bytes = ByteText()
  private(set) var count = 0
  private let memory: UnsafeMutableRawPointer

  /// Ends each text. No name has it.
  static let separator: UInt8 = 0
  static let groupBits = 5
  static let groupMask = 1 << groupBits - 1

  // The memory's parts, one after the other.
  private static let startsStart = TextSignature.byteCount
  private static let sharedStart = startsStart + TextSignature.groupCount * MemoryLayout<UInt32>.stride
  private static let endsStart = sharedStart + TextSignature.groupCount * MemoryLayout<Shared>.stride
  static let byteCount = endsStart + KeyBlock.capacity * MemoryLayout<UInt16>.stride

  var signature: TextSignature { TextSignature(memory) }
  /// Where each group's first text starts.
  private var starts: UnsafeMutablePointer<UInt32> {
    (memory + Self.startsStart).assumingMemoryBound(to: UInt32.self)
  }
  private var shared: UnsafeMutablePointer<Shared> {
    (memory + Self.sharedStart).assumingMemoryBound(to: Shared.self)
  }
  /// Where each row's text ends, the separator counted, from its group's start on; far behind all texts for rows to
  /// come. No group's texts are longer than that: a name has at most ``KeyName/maxByteCount`` bytes, and no more than
  /// three times as many folded.
  private var ends: UnsafeMutablePointer<UInt16> { (memory + Self.endsStart).assumingMemoryBound(to: UInt16.self) }

  /// - Parameter memory: ``byteCount`` bytes, of which nothing is read.
  init(in memory: UnsafeMutableRawPointer) {
    self.memory = memory
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.endsStart)
    ends.initialize(repeating: .max, count: KeyBlock.capacity)
  }

  init(copying other: SearchTexts, to memory: UnsafeMutableRawPointer) {
    self.memory = memory
    memory.copyMemory(from: other.memory, byteCount: Self.byteCount)
    bytes = ByteText(copying: other.bytes)
    count = other.count
  }

  func deallocate() {
    bytes.deallocate()
  }

  /// Where a row's text is in ``bytes``.
  func range(_ row: Int) -> Range<Int> {
    let group = row >> Self.groupBits
    let start = row & Self.groupMask == 0 ? 0 : Int(ends[row - 1])
    return Int(starts[group]) + start..<Int(starts[group]) + Int(ends[row]) - 1
  }

  subscript(row: Int) -> UnsafeRawBufferPointer { bytes[range(row)] }

  /// How many groups there are rows of.
  var groupCount: Int { (count + Self.groupMask) >> Self.groupBits }

  /// - Precondition: there are rows of it.
  @inline(__always)
  func group(_ group: Int) -> Group {
    let first = group << Self.groupBits
    return Group(
      count: min(count - first, 1 << Self.groupBits), start: UnsafeRawPointer(bytes.start) + Int(starts[group]),
      ends: UnsafePointer(ends + first), shared: shared[group])
  }

  /// Adds a row with an empty text.
  mutating func append() {
    let row = count
    count += 1
    if row & Self.groupMask == 0 { starts[row >> Self.groupBits] = UInt32(bytes.count) }
    ends[row] = (row & Self.groupMask == 0 ? 0 : ends[row - 1]) + 1
    var separator = Self.separator
    withUnsafeBytes(of: &separator) { bytes.replace(bytes.count..<bytes.count, with: $0) }
  }

  mutating func replace(_ row: Int, with text: UnsafeRawBufferPointer) {
    let old = range(row)
    bytes.replace(old, with: text)
    let group = row >> Self.groupBits
    let moved = text.count - old.count
    let next = min(count, (group + 1) << Self.groupBits)
    for other in row..<next { ends[other] &+= UInt16(truncatingIfNeeded: moved) }
    for other in group + 1..<max(groupCount, group + 1) { starts[other] &+= UInt32(truncatingIfNeeded: moved) }
    if old.isEmpty, row == count - 1 { return enter(row) }
    signature.clear(group)
    for other in group << Self.groupBits..<next { enter(other) }
  }

  /// Has a row's text count in what is known of its group, which knows all rows before it.
  private func enter(_ row: Int) {
    let (text, group) = (self[row], row >> Self.groupBits)
    signature.insert(text, group)
    if row & Self.groupMask == 0 {
      let count = UInt8(clamping: text.count)
      shared[group] = Shared(first: count, last: count)
    } else if !text.isEmpty {
      let other = self[group << Self.groupBits]
      shared[group].first = Self.alike(text, other, upTo: shared[group].first)
      shared[group].last = Self.alike(text.reversed(), other.reversed(), upTo: shared[group].last)
    }
  }

  /// How many first bytes of two texts are the same.
  private static func alike(
    _ text: some Sequence<UInt8>, _ other: some Sequence<UInt8>, upTo limit: UInt8
  ) -> UInt8 {
    var count: UInt8 = 0
    for (a, b) in zip(text, other) {
      if a != b || count == limit { break }
      count += 1
    }
    return count
  }

  /// Gives back memory that is not used.
  mutating func trim() {
    bytes.trim()
  }
}
