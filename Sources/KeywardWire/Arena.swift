import CProtobufC
import KeywardCore

/// The memory that one call's messages are unpacked into and built in: given out from the front of a block, wiped and
/// taken back all at once by ``reset()``. What a block does not hold comes in further blocks, up to a limit, because
/// a small message can unpack into a much larger one.
///
/// Concurrency: confined to its owner's queue or thread.
package final class Arena {
  private let state: UnsafeMutablePointer<ArenaState>

  /// - Parameters:
  ///   - blockByteCount: what is kept between calls.
  ///   - limit: bytes that one call may take in all.
  package init(blockByteCount: Int = 64 * 1024, limit: Int = 16 * 1024 * 1024) {
    state = .allocate(capacity: 1)
    state.initialize(to: ArenaState(blockByteCount: blockByteCount, limit: limit))
    state.pointee.allocator = ProtobufCAllocator(
      alloc: { state, count in state?.assumingMemoryBound(to: ArenaState.self).pointee.allocate(count) },
      // Blocks are taken back as a whole.
      free: { _, _ in },
      allocator_data: UnsafeMutableRawPointer(state))
  }

  deinit {
    state.pointee.reset()
    state.pointee.kept.deallocate()
    state.deallocate()
  }

  /// Takes back everything given out since the last time.
  package func reset() {
    state.pointee.reset()
  }

  /// Uninitialized memory, aligned for any type.
  /// - Throws: RESOURCE_EXHAUSTED past the limit.
  func allocate(_ byteCount: Int) throws(CallError) -> UnsafeMutableRawPointer {
    guard let memory = state.pointee.allocate(byteCount) else { throw Self.exhausted }
    return memory
  }

  /// Unpacks a message.
  /// - Parameter call: protobuf-c's function for it.
  /// - Throws: INVALID_ARGUMENT for bytes that are not such a message; RESOURCE_EXHAUSTED past the limit.
  func unpack<Message>(
    _ bytes: UnsafeRawBufferPointer,
    _ call: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?
  ) throws(CallError) -> UnsafeMutablePointer<Message> {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    // `allocator` lives in the state, so its address holds for as long as the call.
    let message = withUnsafeMutablePointer(to: &state.pointee.allocator) { call($0, bytes.count, start) }
    guard let message else {
      throw state.pointee.isExhausted
        ? Self.exhausted
        : CallError(.invalidArgument, "the request cannot be decoded: send the message that the .proto file describes")
    }
    return message
  }

  private static let exhausted = CallError(
    .resourceExhausted, "the message is too large when unpacked: send less at once")
}

/// In memory of its own, so that protobuf-c can be handed its address.
private struct ArenaState {
  var allocator = ProtobufCAllocator()
  /// The block that stays.
  let kept: UnsafeMutableRawBufferPointer
  /// The block that memory is given from at present.
  private var block: UnsafeMutableRawBufferPointer
  private var used = 0
  private var further: [UnsafeMutableRawBufferPointer] = []
  private var total: Int
  private let limit: Int
  private(set) var isExhausted = false

  private static let alignment = 16

  init(blockByteCount: Int, limit: Int) {
    kept = .allocate(byteCount: blockByteCount, alignment: Self.alignment)
    block = kept
    total = blockByteCount
    self.limit = limit
  }

  mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, byteCount <= limit else { return exhaust() }
    let needed = (byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
    if needed > block.count - used {
      let fresh = max(needed, kept.count)
      guard total + fresh <= limit else { return exhaust() }
      total += fresh
      block = .allocate(byteCount: fresh, alignment: Self.alignment)
      further.append(block)
      if further.count == 1 { keptUsed = used }
      used = 0
    }
    defer { used += needed }
    return block.baseAddress.map { $0 + used }
  }

  /// How much of the kept block was given out before the first further one.
  private var keptUsed = 0

  mutating func reset() {
    kept.wipe(0..<(further.isEmpty ? used : keptUsed))
    for block in further {
      block.wipe(0..<block.count)
      block.deallocate()
    }
    if !further.isEmpty { further.removeAll() }
    block = kept
    used = 0
    total = kept.count
    isExhausted = false
  }

  private mutating func exhaust() -> UnsafeMutableRawPointer? {
    isExhausted = true
    return nil
  }
}
