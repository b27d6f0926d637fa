package import KeywardCore

extension Command {
  package static func create(_ key: CreateKey, by actor: Actor) -> Command {
    Command(ChangeRequest(.create(key)), by: actor)
  }
}

extension Registry {
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
