import KeywardCore
import KeywardWire

/// A plain call's question and the reply to it, one at a time.
///
/// Concurrency: confined to its reactor's queue, which is what makes it `@unchecked Sendable`.
final class SoleQuestion: PlainQuestions, @unchecked Sendable {
  private let question: UnsafeMutableBufferPointer<PlainQuestion> = .allocate(capacity: 1)
  private var reply = ByteBuffer(capacity: 1024)

  deinit {
    question.deallocate()
  }

  var questions: UnsafeBufferPointer<PlainQuestion> { UnsafeBufferPointer(question) }

  func answer(_ number: Int, _ validation: BriefValidation?) {
    if let validation { GRPCEnvelope.append(validation, to: &reply) }
  }

  /// Has a question answered.
  /// - Returns: false for a key with limits, of which nothing is used then.
  func ask(_ question: PlainQuestion, _ handlers: Handlers, at now: Instant, output: inout ByteBuffer) -> Bool {
    self.question.initializeElement(at: 0, to: question)
    handlers.validateUnlimited(self, at: now)
    guard !reply.isEmpty else { return false }
    output.append(reply.bytes)
    reply.consume(reply.count)
    return true
  }
}
