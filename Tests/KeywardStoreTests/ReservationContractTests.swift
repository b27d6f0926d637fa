import KeywardCore
import KeywardStore
import TestSupport
import Testing

/// What every store must do with limits and reservations, over each of them.
@Suite struct ReservationContractTests {
  private static func limited() throws -> Key {
    .sample(
      rateLimit: try RateLimit(count: 7, periodSeconds: 60, burst: 2),
      useLimit: try UseLimit(total: 9, refill: .monthly))
  }

  private func reservations(of store: any Store) throws -> [UseReservation] {
    var reservations: [UseReservation] = []
    try store.loadReservations { reservations.append($0) }
    return reservations.sorted { $0.key.description < $1.key.description }
  }

  @Test("Limits are kept, and told by the audit, also where there is only one", arguments: StoreSubject.all)
  func limits(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try Self.limited()
    let made = try rig.store.make(.insert(key, .sample(1)))
    let one = try rig.store.make(.replace(made) { $0.rateLimit = nil })
    let other = try rig.store.make(.replace(one) { ($0.rateLimit, $0.useLimit) = (key.rateLimit, nil) })
    let none = try rig.store.make(.replace(other) { $0.rateLimit = nil })
    try rig.store.make(.replace(none) { ($0.rateLimit, $0.useLimit) = (key.rateLimit, key.useLimit) })
    let again = try rig.reopened()
    #expect(try again.contents().keys.first?.key == key.with(revision: 5))
    #expect(try again.audit().map(\.after) == [made, one, other, none, key.with(revision: 5)])
    if let store = again as? SQLiteStore { #expect(try store.verifyAudit().isSound) }
  }

  @Test("The last reservation of a key is kept, and ends with the key or its total", arguments: StoreSubject.all)
  func reservations(_ subject: StoreSubject) throws {
    let rig = try subject.make()
    let key = try rig.store.make(.insert(try Self.limited(), .sample(1)))
    let second = try rig.store.make(.insert(Self.limited().renumbered(2), .sample(2)))
    func reservation(_ key: Key, _ count: Int64, _ refill: UseLimit.Refill = .monthly) -> UseReservation {
      UseReservation(key: key.id, refill: refill, period: 24_325, count: count)
    }
    try rig.store.reserve([reservation(key, 1), reservation(second, 5)])
    try rig.store.reserve([reservation(key, 3, .daily), reservation(.sample(77), 1)])
    let mark = try rig.store.contents().mark
    #expect(mark.revision == 2)
    let again = try rig.reopened()
    #expect(try Set(reservations(of: again).map(\.count)) == [3, 5])
    #expect(try reservations(of: again).contains(reservation(key, 3, .daily)))
    let renamed = try again.make(.replace(key) { $0.name = KeyName(checked: "other") })
    #expect(try reservations(of: again).count == 2)
    try again.make(.replace(renamed) { $0.useLimit = nil })
    #expect(try reservations(of: again) == [reservation(second, 5)])
    try again.make(.purge(second))
    #expect(try reservations(of: again).isEmpty)
  }

  @Test("What an earlier keyward reserved for later periods is told, until another reservation takes its place")
  func ahead() throws {
    let folder = try TemporaryFolder()
    var store = try SQLiteStore(path: folder.database)
    let key = try store.make(.insert(try Self.limited(), .sample(1)))
    func reservation(_ count: Int64, ahead: Int64 = 0) -> UseReservation {
      UseReservation(key: key.id, refill: .monthly, period: 24_325, count: count, ahead: ahead)
    }
    try store.reserve([reservation(1)])
    store.close()
    try RawDatabase(folder.database).execute("UPDATE reservation SET ahead = 5")
    store = try SQLiteStore(path: folder.database)
    #expect(try reservations(of: store) == [reservation(1, ahead: 5)])
    try store.reserve([reservation(2)])
    #expect(try reservations(of: store) == [reservation(2)])
    store.close()
  }
}

extension Key {
  fileprivate func renumbered(_ number: Int) -> Key {
    Key.sample(number, rateLimit: rateLimit, useLimit: useLimit)
  }
}
