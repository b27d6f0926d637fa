import KeywardCore
import TestSupport
import Testing

/// Makes and uses keys with totals, by a clock moved by hand, over a store that counts what it is asked.
protocol UsesKeys {
  var store: FakeStore { get }
  var clock: ManualClock { get }
}

extension UsesKeys {
  func make(
    _ registry: Registry, _ total: Int64, _ refill: UseLimit.Refill = .never, rate: RateLimit? = nil,
    name: String = "k"
  ) throws -> (id: KeyID, secret: Secret) {
    let request = CreateKey(
      name: try KeyName(name), permission: .chat, rateLimit: rate, useLimit: try UseLimit(total: total, refill: refill))
    let outcome = try #require(registry.commit([.create(request, by: .sample)], at: clock.now).first).get()
    return (outcome.view.key.id, try #require(outcome.secret))
  }

  /// Asks without waiting for the store.
  func ask(_ registry: Registry, _ secret: Secret) -> Validation? {
    registry.validate(secret.presented, for: .chat, at: clock.now)
  }

  func use(_ registry: Registry, _ secret: Secret) throws -> Validation {
    try registry.use(secret, at: clock.now)
  }

  /// Uses a key until its total is used up.
  func useUp(_ registry: Registry, _ secret: Secret) throws -> Int64 {
    var granted: Int64 = 0
    while try use(registry, secret).verdict == .valid { granted += 1 }
    #expect(try use(registry, secret).verdict == .usageExceeded)
    return granted
  }

  func update(_ registry: Registry, _ id: KeyID, _ update: KeyUpdate) throws {
    let command = Command(ChangeRequest(.update(id, update)), by: .sample)
    _ = try #require(registry.commit([command], at: clock.now).first).get()
  }
}
