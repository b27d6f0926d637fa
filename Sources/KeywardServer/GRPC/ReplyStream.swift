import KeywardCore
import KeywardWire
import Synchronization

/// The way of a call's messages to its peer, for a method that answers with any number of them.
///
/// Whoever has it sends messages and at last an end. What the peer has not taken is kept up to a limit, and past it
/// nothing is taken: the sender may wait for room, or end the stream.
///
/// Concurrency: for every thread. ``take()`` is the reactor's, and so is ``close()``.
final class ReplyStream: Sendable {
  /// What came of sending a message.
  enum Admission {
    /// It goes out as the peer's window allows.
    case taken
    /// It was not taken; ``whenRoom(_:)`` tells when one will be.
    case full
    /// The call is over, whatever ended it.
    case over
  }

  /// What the reactor is to do next.
  enum Next {
    case message(StreamMessage)
    case end(GRPCStream.End)
    /// The end, without what has been taken and is not sent.
    case abruptEnd(GRPCStream.End)
    /// Nothing, until it is told that there is more.
    case nothing
  }

  private struct State {
    var messages: [StreamMessage] = []
    /// Messages at the front that have been taken.
    var takenCount = 0
    var byteCount = 0
    var end: GRPCStream.End?
    var isAbrupt = false
    var isOver = false
    /// The reactor knows that there is something to take.
    var isTold = true
    var whenRoom: Hook?
    var whenOver: Hook?
  }

  private let address: ReplyAddress
  private let limit: Int
  private let connection: StreamedBytes
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: bytes that are kept for the peer.
  ///   - connection: counts those of all streams of the connection.
  init(to address: ReplyAddress, limit: Int, of connection: StreamedBytes) {
    self.address = address
    self.limit = limit
    self.connection = connection
  }

  /// Sends a message, after those before it.
  func send(_ message: StreamMessage) -> Admission {
    let (admission, isToTell) = state.withLock { state -> (Admission, Bool) in
      guard !state.isOver, state.end == nil else { return (.over, false) }
      // One may go beyond, so that a limit below one message's length stops nothing for good.
      let count = message.bytes.count
      guard state.byteCount == 0 || state.byteCount + count <= limit && connection.hasRoom(for: count) else {
        return (.full, false)
      }
      connection.add(count)
      state.messages.append(message)
      state.byteCount += count
      defer { state.isTold = true }
      return (.taken, !state.isTold)
    }
    if isToTell { address.wake() }
    return admission
  }

  /// Ends the stream after what was sent.
  /// - Parameters:
  ///   - error: nil where all is well.
  ///   - droppingRest: ends it without what the peer has not taken yet.
  func finish(_ error: CallError? = nil, droppingRest: Bool = false) {
    let isToTell = state.withLock { state in
      guard !state.isOver, state.end == nil else { return false }
      state.end = error.map { .failure($0) } ?? .ok
      if droppingRest {
        drop(&state)
        state.isAbrupt = true
      }
      // The reactor may be told of more already, and wait for a window that an end does not need.
      state.isTold = true
      return true
    }
    if isToTell { address.wake() }
  }

  /// Has something called once there is room for a message, or the call is over; at once where that is so already. It is
  /// called on any thread, and must not take long.
  func whenRoom(_ body: @escaping @Sendable () -> Void) {
    let isNow = state.withLock { state in
      guard !state.isOver, state.byteCount > 0 else { return true }
      state.whenRoom = Hook(body)
      return false
    }
    if isNow { body() }
  }

  /// Has something called once the call is over; at once where it is. As for ``whenRoom(_:)``.
  func whenOver(_ body: @escaping @Sendable () -> Void) {
    let isNow = state.withLock { state in
      guard !state.isOver else { return true }
      state.whenOver = Hook(body)
      return false
    }
    if isNow { body() }
  }

  /// Whether only the end is left.
  var isAtEnd: Bool { state.withLock { $0.end != nil && $0.takenCount == $0.messages.count } }

  /// What goes out next, still counted as the connection's; after ``Next/nothing`` the reactor is told of more.
  func take() -> Next {
    let (next, hook) = state.withLock { state -> (Next, Hook?) in
      guard state.takenCount < state.messages.count else {
        if let end = state.end { return (state.isAbrupt ? .abruptEnd(end) : .end(end), nil) }
        state.isTold = false
        return (.nothing, nil)
      }
      let message = state.messages[state.takenCount]
      state.takenCount += 1
      state.byteCount -= message.bytes.count
      if state.takenCount == state.messages.count || state.takenCount >= 64 {
        state.messages.removeFirst(state.takenCount)
        state.takenCount = 0
      }
      guard state.byteCount <= limit / 2 else { return (.message(message), nil) }
      defer { state.whenRoom = nil }
      return (.message(message), state.whenRoom)
    }
    hook?()
    return next
  }

  /// Says that the call is over.
  func close() {
    let hooks = state.withLock { state in
      state.isOver = true
      drop(&state)
      defer {
        state.whenRoom = nil
        state.whenOver = nil
      }
      return (state.whenRoom, state.whenOver)
    }
    hooks.0?()
    hooks.1?()
  }

  private func drop(_ state: inout State) {
    connection.remove(state.byteCount)
    state.byteCount = 0
    state.messages = []
    state.takenCount = 0
  }
}

/// Counts what the streams of one connection hold for the peer, until it has gone.
final class StreamedBytes: Sendable {
  private let count = Atomic<Int>(0)
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  fileprivate func hasRoom(for more: Int) -> Bool { count.load(ordering: .relaxed) + more <= limit }

  fileprivate func add(_ more: Int) {
    count.add(more, ordering: .relaxed)
  }

  var total: Int { count.load(ordering: .relaxed) }

  func remove(_ less: Int) {
    count.subtract(less, ordering: .relaxed)
  }
}
