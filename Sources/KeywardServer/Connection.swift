import KeywardCore
import KeywardWire
import UnixSocket

/// One peer's connection: its descriptor, what has come in and makes no whole frame yet, and what has not gone out.
///
/// Both buffers have memory only while they hold something, so that a silent connection costs next to nothing.
///
/// Concurrency: confined to its reactor's queue.
final class Connection {
  let id: ConnectionID
  let caller: Caller
  private let descriptor: Descriptor
  var session = TTRPCSession()
  var input = ByteBuffer()
  var output = ByteBuffer()
  /// What the reactor's event set watches for at present.
  var interest: EventSet.Interest = .input
  /// Whether the first byte has said which protocol is spoken.
  var isOpened = false
  /// The peer has shut its side, or is not to be read any more.
  var isInputOver = false
  /// What is in ``input`` waits until replies have left.
  var isPaused = false

  init(_ descriptor: consuming Descriptor, id: ConnectionID, caller: Caller) {
    self.descriptor = descriptor
    self.id = id
    self.caller = caller
  }

  var fd: Int32 { descriptor.rawValue }

  /// Whether nothing more can come of the connection.
  var isFinished: Bool { isInputOver && !isPaused && session.isIdle && output.isEmpty }

  /// What is to be watched for next. Nothing is read that could not be answered.
  func wantedInterest(_ limits: Limits) -> EventSet.Interest {
    var wanted: EventSet.Interest = []
    if !isInputOver, !isPaused, output.count < limits.unsentOutput, session.inFlightCount < limits.callsInFlight {
      wanted.insert(.input)
    }
    if !output.isEmpty { wanted.insert(.output) }
    return wanted
  }

  /// When the connection needs attention though nothing comes: a call that waits, or a reply that is not taken.
  var nextDeadline: Deadline {
    min(session.nextDeadline, output.isEmpty ? .never : session.unsentDeadline)
  }
}
