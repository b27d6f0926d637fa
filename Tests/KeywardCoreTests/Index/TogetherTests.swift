import TestSupport
import Testing

@testable import KeywardCore

/// Questions that are answered together get the answers that each gets alone.
@Suite struct TogetherTests {
  /// Keeps what it is told.
  private final class Asker: PlainQuestions, @unchecked Sendable {
    // Confined to the test.
    private let memory: UnsafeMutableBufferPointer<PlainQuestion>
    private(set) var answers: [(Verdict, KeyID?, String, Instant?, Revision)?] = []

    init(_ questions: [PlainQuestion]) {
      memory = .allocate(capacity: questions.count)
      _ = memory.initialize(from: questions)
    }

    deinit {
      memory.deallocate()
    }

    var questions: UnsafeBufferPointer<PlainQuestion> { UnsafeBufferPointer(memory) }

    func answer(_ number: Int, _ validation: BriefValidation?) {
      #expect(number == answers.count)
      answers.append(
        validation.map { ($0.verdict, $0.id, String(decoding: $0.name, as: UTF8.self), $0.validUntil, $0.revision) })
    }
  }

  @Test(arguments: [1, 31, 32, 33, 500])
  func `Together is as alone`(count: Int) throws {
    var generator = SampleGenerator(seed: UInt64(count))
    var index = Index()
    let now = Instant.noon
    for number in 0..<700 {
      let key = Key.sample(
        number, name: number % 4 == 0 ? "Ünï-\(number)" : "key-\(number)",
        permission: Bool.random(using: &generator) ? .chat : .secureMail,
        enabled: number % 5 > 0, expireTime: number % 3 == 0 ? now.adding(seconds: Int64(number - 350)) : nil,
        revokeTime: number % 7 == 0 ? now.adding(seconds: Int64(350 - number)) : nil,
        deleteTime: number % 11 == 0 ? now : nil, revision: Revision(number + 1),
        useLimit: number % 13 == 0 ? try UseLimit(total: 9) : nil)
      index.insert(StoredKey(key: key, digest: .sample(number), ordinal: Int64(number + 1)))
      // Some have had another secret before.
      if number % 6 == 0 {
        index.rotate(key, to: .sample(number + 1000), oldUntil: now.adding(seconds: Int64(number % 4) - 1), at: .epoch)
      }
    }
    let questions = (0..<count).map { _ in
      PlainQuestion(
        .sample(.random(in: 0..<1800, using: &generator)), for: Bool.random(using: &generator) ? .chat : .secureMail)
    }
    let asker = Asker(questions)
    index.useUnlimited(asker, 0..<count, at: now)
    #expect(asker.answers.count == count)
    for (question, answer) in zip(questions, asker.answers) {
      let alone = index.validation(of: question.digest, for: question.permission, at: now)
      let isLimited = index.key(digest: question.digest)?.isLimited == true && alone.subject != nil
      #expect((answer == nil) == isLimited)
      guard let answer else { continue }
      #expect(answer.0 == alone.verdict && answer.1 == alone.subject?.id)
      #expect(answer.2 == (alone.subject?.name.text ?? ""))
      #expect(answer.3 == alone.subject?.validUntil && answer.4 == alone.subject?.revision ?? 0)
      if answer.0 == .valid { #expect(index.key(digest: question.digest)?.lastUsedTime == now) }
    }
  }
}
