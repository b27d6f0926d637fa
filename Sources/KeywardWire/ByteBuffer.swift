/// Bytes on their way in or out: appended at the end, consumed from the front, wiped when they go, for any of them
/// may be a secret's.
///
/// It owns its memory and has none until something is appended.
///
/// What every call looks at is public, for only that can be inlined into other modules.
public struct ByteBuffer: ~Copyable {
  @usableFromInline var memory: UnsafeMutableRawBufferPointer
  @usableFromInline var start = 0
  @usableFromInline var end = 0

  private static let minCapacity = 4096

  package init() {
    memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  package init(capacity: Int) {
    memory = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    Self.free(memory, wiping: start..<end)
  }

  @inlinable public var count: Int { end - start }
  @inlinable public var isEmpty: Bool { start == end }
  package var capacity: Int { memory.count }

  /// The bytes, until the next change.
  @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }

  /// Room for at least `count` bytes after the last; ``commit(_:)`` says how many were put there.
  package mutating func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
    if memory.count - end < count { makeRoom(count) }
    return UnsafeMutableRawBufferPointer(rebasing: memory[end...])
  }

  package mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= memory.count - end, "more was put in than was reserved")
    end += count
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count).copyMemory(from: bytes)
    commit(bytes.count)
  }

  /// Drops and wipes bytes at the front.
  package mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count, "more was taken than there is")
    guard count > 0 else { return }
    memory.wipe(start..<start + count)
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Gives the memory back; only for an empty buffer.
  package mutating func releaseMemory() {
    precondition(isEmpty, "bytes would be lost")
    memory.deallocate()
    memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  /// Gives back memory that its bytes have no use for: all of it when there are none.
  package mutating func giveBack() {
    if isEmpty { return releaseMemory() }
    guard memory.count > 64 * 1024, count <= memory.count / 4 else { return }
    let fitted = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(Self.minCapacity, count.nextPowerOf2), alignment: 16)
    fitted.copyMemory(from: bytes)
    let count = count
    Self.free(memory, wiping: start..<end)
    memory = fitted
    start = 0
    end = count
  }

  private mutating func makeRoom(_ room: Int) {
    let count = count
    if memory.count - count >= room, start >= count {
      // The front is free and what is here does not overlap it.
      memory.copyMemory(from: bytes)
      memory.wipe(start..<end)
    } else {
      let grown = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(Self.minCapacity, (count + room).nextPowerOf2), alignment: 16)
      grown.copyMemory(from: bytes)
      Self.free(memory, wiping: start..<end)
      memory = grown
    }
    start = 0
    end = count
  }

  private static func free(_ memory: UnsafeMutableRawBufferPointer, wiping range: Range<Int>) {
    memory.wipe(range)
    memory.deallocate()
  }
}

extension Int {
  /// The smallest power of two that is not less.
  fileprivate var nextPowerOf2: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
