import KeywardCore
import TestSupport
import Testing

@testable import KeywardServer

/// What goes in one turn of the writer.
@Suite struct WaitingCallsTests {
  /// Validations of so many secrets.
  private func waiting(_ counts: [Int]) -> WaitingCalls {
    var calls = WaitingCalls()
    for count in counts {
      let question = Question(secret: .malformed, permission: .chat)
      calls.append(
        WaitingValidation(
          caller: .sample(), deadline: .never, questions: Array(repeating: question, count: count), completion: { _ in }
        ))
    }
    return calls
  }

  @Test func `A turn has no more secrets to judge than its limit, but one validation whatever it has`() {
    var calls = waiting([2, 2, 2, 7, 1, 4, 5])
    var turns: [[Int]] = []
    while let turn = calls.takeTurn(limit: 5) { turns.append(turn.validations.map(\.questions.count)) }
    #expect(turns == [[2, 2], [2], [7], [1, 4], [5]])
    #expect(calls.isEmpty && calls.questionCount == 0)
  }

  @Test func `What has to wait on comes before what has come meanwhile`() {
    var calls = waiting([1, 2])
    let turn = calls.takeTurn(limit: 5)
    for call in waiting([3]).validations { calls.append(call) }
    calls.putBack(turn?.validations ?? [])
    #expect(calls.questionCount == 6)
    let next = calls.takeTurn(limit: 100)
    #expect(next?.validations.map(\.questions.count) == [1, 2, 3])
  }
}
