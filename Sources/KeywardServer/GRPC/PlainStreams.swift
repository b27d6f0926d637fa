import KeywardCore
import KeywardWire

/// Plain calls of one session that came in one read and are answered together, so that their look-ups wait for memory
/// together.
///
/// Concurrency: confined to its reactor's thread, which is what makes it `@unchecked Sendable`.
final class PlainStreams: PlainQuestions, @unchecked Sendable {
  private struct Call {
    let stream: GRPCStream
    let serial: UInt64

    /// Not so for a stream that was closed meanwhile, and may serve another call.
    var isWaiting: Bool { stream.phase == .waiting && stream.serial == serial }
  }

  private let taken: UnsafeMutableBufferPointer<PlainQuestion> = .allocate(capacity: PlainStreams.capacity)
  private var calls: [Call] = []
  /// Where a reply is written, which may be longer than it turns out.
  private var reply = ByteBuffer(capacity: 1024)

  /// As many as the index looks up together.
  private static let capacity = 32

  init() {
    calls.reserveCapacity(Self.capacity)
  }

  deinit {
    taken.deallocate()
  }

  /// Whether they are to be answered before another is added.
  var isFull: Bool { calls.count == Self.capacity }

  /// Takes in the question of a call that waits and has nothing in its output.
  func add(_ question: PlainQuestion, of stream: GRPCStream) {
    taken.initializeElement(at: calls.count, to: question)
    calls.append(Call(stream: stream, serial: stream.serial))
  }

  var questions: UnsafeBufferPointer<PlainQuestion> { UnsafeBufferPointer(rebasing: taken[..<calls.count]) }

  func answer(_ number: Int, _ validation: BriefValidation?) {
    guard let validation, calls[number].isWaiting else { return }
    GRPCEnvelope.append(validation, to: &reply)
    calls[number].stream.output.append(reply.bytes)
    reply.consume(reply.count)
  }

  /// Has them all answered, and forgets them.
  /// - Parameter settle: is called with each that waits still. Its reply is in its output; for a key with limits, of
  ///   which nothing is used then, there is none.
  func answerAll(_ handlers: Handlers, at now: Instant, _ settle: (GRPCStream, PlainQuestion) -> Void) {
    guard !calls.isEmpty else { return }
    handlers.validateUnlimited(self, at: now)
    for (number, call) in calls.enumerated() where call.isWaiting { settle(call.stream, taken[number]) }
    calls.removeAll(keepingCapacity: true)
  }
}
