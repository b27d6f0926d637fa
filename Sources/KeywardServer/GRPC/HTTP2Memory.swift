import CNghttp2

/// The memory that nghttp2 asks for, kept when it is given back: each call takes some ten small blocks.
///
/// Concurrency: confined to its reactor's thread.
final class HTTP2Memory {
  /// What stands before each block. Its size keeps blocks aligned for any type.
  private struct Header {
    /// Which size; ``sizeCount`` for a block that is too large to be kept.
    var size: Int
    /// Bytes that were asked for.
    var byteCount: Int
  }

  private static let smallest = 32
  private static let sizeCount = 8
  private static let keptPerSize = 128 * 1024

  /// Of each size the first free block, which points to the next.
  private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// Of each size how many more blocks are kept.
  private let room: UnsafeMutablePointer<Int>

  init() {
    free = .allocate(capacity: Self.sizeCount)
    free.initialize(repeating: nil, count: Self.sizeCount)
    room = .allocate(capacity: Self.sizeCount)
    for size in 0..<Self.sizeCount { (room + size).initialize(to: Self.keptPerSize / (Self.smallest << size)) }
  }

  deinit {
    for size in 0..<Self.sizeCount { while let block = takeFree(size) { block.deallocate() } }
    free.deallocate()
    room.deallocate()
  }

  /// The functions as nghttp2 calls them. This must outlive every session that has them.
  func functions() -> nghttp2_mem {
    nghttp2_mem(
      mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
      malloc: { count, user in HTTP2Memory.of(user) { $0.allocate(count) } },
      free: { block, user in HTTP2Memory.of(user) { $0.release(block) } },
      calloc: { count, size, user in
        let (total, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, let block = HTTP2Memory.of(user, { $0.allocate(total) }) else { return nil }
        block.initializeMemory(as: UInt8.self, repeating: 0, count: total)
        return block
      },
      realloc: { block, count, user in HTTP2Memory.of(user) { $0.resize(block, to: count) } })
  }

  /// nghttp2 has what ``functions()`` gave it, so there is always one.
  private static func of<Value>(_ user: UnsafeMutableRawPointer?, _ body: (HTTP2Memory) -> Value) -> Value {
    guard let user else { preconditionFailure("nghttp2 has lost what it was given") }
    return Unmanaged<HTTP2Memory>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
  }

  private func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let size = Self.size(of: byteCount)
    let block: UnsafeMutableRawPointer
    if size < Self.sizeCount {
      block =
        takeFree(size)
        ?? .allocate(
          byteCount: MemoryLayout<Header>.size + (Self.smallest << size), alignment: MemoryLayout<Header>.size)
    } else {
      block = .allocate(byteCount: MemoryLayout<Header>.size + byteCount, alignment: MemoryLayout<Header>.size)
    }
    block.storeBytes(of: Header(size: min(size, Self.sizeCount), byteCount: byteCount), as: Header.self)
    return block + MemoryLayout<Header>.size
  }

  /// Which size so many bytes take, from ``sizeCount`` on none.
  private static func size(of byteCount: Int) -> Int {
    byteCount <= smallest ? 0 : smallest.leadingZeroBitCount - (byteCount - 1).leadingZeroBitCount + 1
  }

  private func release(_ given: UnsafeMutableRawPointer?) {
    guard let given else { return }
    let block = given - MemoryLayout<Header>.size
    let size = block.load(as: Header.self).size
    guard size < Self.sizeCount, room[size] > 0 else { return block.deallocate() }
    room[size] -= 1
    block.storeBytes(of: free[size], as: UnsafeMutableRawPointer?.self)
    free[size] = block
  }

  private func resize(_ given: UnsafeMutableRawPointer?, to byteCount: Int) -> UnsafeMutableRawPointer? {
    guard let grown = allocate(byteCount) else { return nil }
    if let given {
      let old = (given - MemoryLayout<Header>.size).load(as: Header.self).byteCount
      grown.copyMemory(from: given, byteCount: min(old, byteCount))
      release(given)
    }
    return grown
  }

  private func takeFree(_ size: Int) -> UnsafeMutableRawPointer? {
    guard let block = free[size] else { return nil }
    free[size] = block.load(as: UnsafeMutableRawPointer?.self)
    room[size] += 1
    return block
  }
}
