package import KeywardCore

extension Command {
  package static func create(_ key: CreateKey, by actor: Actor) -> Command {
    Command(ChangeRequest(.create(key)), by: actor)
  }
}

extension Registry {
  /// Judges secrets as a server does that has no other calls, waiting for the store where that is needed.
  /// - Throws: what the store throws, or an instant that has passed.
  package func use(_ questions: [Question], at instant: Instant) throws -> [Validation] {
    if let validations = try validate(questions, at: instant) { return validations }
    let reservations = try reserve(for: [questions], at: instant)
    guard let validations = judge([questions], with: reservations, at: instant)[0] else {
      throw StoreError.damaged("what was reserved does not suffice")
    }
    return validations
  }

  /// As ``use(_:at:)`` for one secret, for chat.
  package func use(_ secret: Secret, at instant: Instant) throws -> Validation {
    if let validation = validate(secret.presented, for: .chat, at: instant) { return validation }
    return try use([Question(secret: secret.presented, permission: .chat)], at: instant)[0]
  }

  /// Carries out commands as a server does that has no others, each as soon as it can be.
  /// - Returns: what each came to, in their order.
  package func commit(_ commands: [Command], at instant: Instant) -> [Result<Outcome, DomainError>] {
    var results = [Result<Outcome, DomainError>?](repeating: nil, count: commands.count)
    var waiting = Array(commands.indices)
    while !waiting.isEmpty {
      let round = commit(waiting.map { commands[$0] }, at: instant, limit: commands.count)
      for (number, result) in zip(waiting, round) { results[number] = result }
      waiting = waiting.filter { results[$0] == nil }
    }
    return results.compactMap { $0 }
  }
}
