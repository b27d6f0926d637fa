import KeywardCore
import KeywardWire
import UnixSocket

/// One peer's connection: its descriptor, what has come in and makes no whole frame yet, and what has not gone out.
///
/// Both buffers have memory only while they hold something, so that a silent connection costs next to nothing.
///
/// Concurrency: confined to its reactor's thread.
final class Connection {
  let id: ConnectionID
  let caller: Caller
  private let descriptor: Descriptor
  var session = TTRPCSession()
  /// Takes ``session``'s place where gRPC is spoken.
  var grpc: GRPCSession?
  var input = ByteBuffer()
  var output = Outbox()
  /// What the reactor's event set watches for at present.
  var interest: EventSet.Interest = .input
  /// The last read brought as much as there was room for.
  var mayHaveMore = false
  /// Whether the first byte has said which protocol is spoken.
  var isOpened = false
  /// The peer has shut its side, or is not to be read any more.
  var isInputOver = false
  /// What is in ``input`` waits until replies have left.
  var isPaused = false
  /// Some of its calls are answered later in the turn, and it is settled then if it has to be.
  var hasPlainCalls = false
  /// The frame that has begun, by the session's count, and until when it must be whole.
  var timedFrame: UInt64 = 0
  var frameDeadline = Deadline.never
  /// Until when some of the output must be taken.
  var stallDeadline = Deadline.never
  /// Reads that are left to it, once the server is to stop; nil before.
  var readsLeft: Int?

  init(_ descriptor: consuming Descriptor, id: ConnectionID, caller: Caller) {
    self.descriptor = descriptor
    self.id = id
    self.caller = caller
  }

  var fd: Int32 { descriptor.rawValue }

  /// It cannot go on: the peer has broken it off, let its time pass, or speaks another protocol.
  var isBroken = false

  /// Whether more may be read.
  var isReadable: Bool { !isBroken && !isInputOver && !isPaused }

  /// Whether nothing more can come of the connection.
  var isOver: Bool {
    guard !isBroken else { return true }
    if let grpc { return output.bytes.isEmpty && (grpc.isOver || isInputOver && grpc.isIdle) }
    return isInputOver && !isPaused && session.isIdle && output.bytes.isEmpty
  }

  /// Whether it is as it was when it was adopted: nothing is under way, and more is waited for.
  var isQuiet: Bool {
    isReadable && input.isEmpty && frameDeadline == .never && output.bytes.isEmpty && session.isQuiet
      && interest == .input
  }

  /// What is to be watched for next. Nothing is read that could not be answered.
  func wantedInterest(_ limits: Limits) -> EventSet.Interest {
    let canRead = isReadable && output.bytes.count < caller.unsentOutput(limits) && !session.isFull(limits)
    return EventSet.Interest(input: canRead, output: !output.bytes.isEmpty)
  }

  /// Whether the peer has let an instant pass by which it had to finish a frame or take a reply.
  func isOverdue(at now: UInt64) -> Bool {
    // A frame that is not read on waits for the server, not for its peer.
    let frame = interest.input ? frameDeadline : .never
    return min(frame, stallDeadline, output.nextDeadline).hasPassed(at: now)
  }

  /// No call that waits has an earlier deadline.
  var callDeadline: Deadline { grpc?.nextDeadline ?? session.nextDeadline }

  /// When the connection needs attention though nothing comes.
  var nextDeadline: Deadline { min(callDeadline, output.nextDeadline, frameDeadline, stallDeadline) }
}
