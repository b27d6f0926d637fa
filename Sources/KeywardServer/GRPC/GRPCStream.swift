import KeywardWire

/// One call of gRPC, from its first header field until its stream is closed; then it serves another.
///
/// Concurrency: confined to its reactor's thread.
final class GRPCStream {
  /// How far the call has come.
  enum Phase {
    /// The request is not whole.
    case receiving
    /// The request is whole and waits for calls before it.
    case queued
    /// The handlers have it.
    case waiting
    /// Its reply is on the way.
    case replying
    /// Its replies go out as they come.
    case streaming
    /// It has no reply any more that could be sent.
    case reset
  }

  /// What ends the reply.
  enum End {
    case ok
    case failure(CallError)
  }

  var id: Int32 = 0
  /// Tells the call from any other of the connection.
  var serial: UInt64 = 0
  /// Where it stands among the session's open streams.
  var index = 0
  var phase = Phase.receiving
  var head = RequestHead()
  var isHeadWhole = false
  /// The peer has sent all it will.
  var hasEnded = false
  /// What the peer still sends is not wanted.
  var isDeaf = false
  /// Its messages wait until the peer has taken replies.
  var isHeld = false
  /// What its head was refused for, until that is answered.
  var refusal: CallError?
  /// Bytes that have come of the request.
  var byteCount = 0
  /// Those of them that were not wanted, and their padding.
  var droppedCount = 0
  /// The whole answer is out, though the peer has not sent all of the request.
  var isAnswered = false
  /// What has come of the request and was not taken.
  var input = ByteBuffer()
  /// What has not gone of the reply, in frames of gRPC.
  var output = ByteBuffer(capacity: GRPCStream.keptByteCount)
  /// nil while more of the reply is to come.
  var end: End?
  /// Until when the request must be whole, and then until when the call is waited for.
  var deadline = Deadline.never
  /// The same, as the peer gave it.
  var callDeadline = Deadline.never
  /// Who the handlers believe has left when the call is cancelled; nil for a call that did not wait.
  var caller: Caller?
  var isLarge = false
  /// Where its replies come from, for a method with any number of them.
  var replies: ReplyStream?

  private static let keptByteCount = 512

  /// Makes it ready for another call.
  func reset() {
    phase = .receiving
    head = RequestHead()
    isHeadWhole = false
    hasEnded = false
    isDeaf = false
    refusal = nil
    byteCount = 0
    isHeld = false
    droppedCount = 0
    isAnswered = false
    input.consume(input.count)
    if input.capacity > 0 { input.releaseMemory() }
    output.consume(output.count)
    if output.capacity > Self.keptByteCount { output = ByteBuffer(capacity: Self.keptByteCount) }
    end = nil
    deadline = .never
    callDeadline = .never
    caller?.leave()
    caller = nil
    isLarge = false
    replies?.close()
    replies = nil
  }
}

/// Streams of a reactor that have ended and wait for others to begin.
///
/// Concurrency: confined to its reactor's thread.
final class GRPCStreamPool {
  private var free: [GRPCStream] = []

  /// Some 700 bytes each.
  private static let keptCount = 2048

  func take() -> GRPCStream { free.popLast() ?? GRPCStream() }

  func put(_ stream: GRPCStream) {
    stream.reset()
    if free.count < Self.keptCount { free.append(stream) }
  }
}
