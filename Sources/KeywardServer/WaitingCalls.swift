import KeywardCore
import KeywardWire

/// What waits for the writer, in the order in which it came.
struct WaitingCalls {
  var commands: [WaitingCommand] = []
  private(set) var validations: [WaitingValidation] = []
  var groups: [WaitingGroup] = []
  var reads: [WaitingRead] = []
  /// Commands that are out to be looked at and more than go in one transaction, so that most of them will be back.
  private var excessCount = 0

  /// All that waits but validations, which are bounded apart: whoever may only validate keeps out no change.
  var count: Int { commands.count + groups.count + reads.count + excessCount }

  /// Secrets of the validations that wait.
  private(set) var questionCount = 0

  var isEmpty: Bool { count == 0 && validations.isEmpty }

  mutating func append(_ validation: WaitingValidation) {
    validations.append(validation)
    questionCount += validation.questions.count
  }

  /// What is looked at in one turn: one group and one question, so that none keeps the others waiting for good.
  struct Turn {
    var commands: [WaitingCommand] = []
    var validations: [WaitingValidation] = []
    var group: WaitingGroup?
    var read: WaitingRead?
  }

  /// Takes out the next turn.
  /// - Parameter limit: how many secrets may be judged in it; one call is, whatever it has.
  /// - Returns: nil where nothing waits.
  mutating func takeTurn(limit: Int) -> Turn? {
    guard commands.count + validations.count + groups.count + reads.count > 0 else { return nil }
    var turn = Turn()
    swap(&turn.commands, &commands)
    excessCount = max(0, turn.commands.count - limit)
    var left = limit
    let fitting = validations.prefix { call in
      defer { left -= call.questions.count }
      return left == limit || left >= call.questions.count
    }
    turn.validations = Array(fitting)
    questionCount -= turn.validations.reduce(0) { $0 + $1.questions.count }
    validations.removeFirst(fitting.count)
    if !groups.isEmpty { turn.group = groups.removeFirst() }
    if !reads.isEmpty { turn.read = reads.removeFirst() }
    return turn
  }

  /// Has commands looked at again before those that have come meanwhile.
  mutating func putBack(_ rest: [WaitingCommand]) {
    excessCount = 0
    if !rest.isEmpty { commands = rest + commands }
  }

  /// Has validations looked at again before those that have come meanwhile.
  mutating func putBack(_ rest: [WaitingValidation]) {
    guard !rest.isEmpty else { return }
    validations = rest + validations
    questionCount += rest.reduce(0) { $0 + $1.questions.count }
  }
}

struct WaitingCommand {
  let caller: Caller
  let deadline: Deadline
  let request: ChangeRequest
  let completion: @Sendable (Result<Outcome, CallError>, inout ReplyBatch) -> Void
}

/// Secrets of which some cannot be used before the store has reserved it.
struct WaitingValidation {
  let caller: Caller
  let deadline: Deadline
  let questions: [Question]
  let completion: @Sendable (Result<[Validation], CallError>) -> Void
}

struct WaitingGroup {
  let caller: Caller
  let deadline: Deadline
  let group: GroupChange
  let completion: @Sendable (Result<GroupOutcome, CallError>) -> Void
}

struct WaitingRead {
  /// nil for the server itself.
  let caller: Caller?
  let deadline: Deadline
  let body: @Sendable (Bool) -> Void
}
