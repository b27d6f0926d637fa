/// Bytes in memory of their own, of which any part can be replaced. Some bytes more than there are may be read, so that
/// whoever looks at many at once need not mind the end.
///
/// It has no owner: whoever makes it has to ``deallocate()`` it.
struct ByteText {
  private(set) var start: UnsafeMutableRawPointer
  private(set) var count = 0
  private var capacity: Int

  /// How many bytes behind the last one may be read.
  static let readableCount = 64

  init(capacity: Int = 0) {
    self.capacity = capacity + Self.readableCount
    start = .allocate(byteCount: self.capacity, alignment: 16)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: self.capacity)
  }

  init(copying other: ByteText) {
    self.init(capacity: other.count)
    start.copyMemory(from: other.start, byteCount: other.count)
    count = other.count
  }

  func deallocate() {
    start.deallocate()
  }

  subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count)
  }

  mutating func replace(_ range: Range<Int>, with bytes: UnsafeRawBufferPointer) {
    let newCount = count - range.count + bytes.count
    if newCount + Self.readableCount > capacity { setCapacity(newCount + newCount / 2) }
    (start + range.lowerBound + bytes.count).copyMemory(
      from: start + range.upperBound, byteCount: count - range.upperBound)
    if let source = bytes.baseAddress { (start + range.lowerBound).copyMemory(from: source, byteCount: bytes.count) }
    count = newCount
  }

  /// Gives back memory that is not used.
  mutating func trim() {
    if capacity > count + Self.readableCount { setCapacity(count) }
  }

  private mutating func setCapacity(_ newCapacity: Int) {
    var other = ByteText(capacity: newCapacity)
    other.start.copyMemory(from: start, byteCount: count)
    other.count = count
    deallocate()
    self = other
  }
}
