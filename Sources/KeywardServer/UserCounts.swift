/// How many of something there are, in all and of each user.
struct UserCounts {
  private(set) var total = 0
  private var byUser: [UInt32: Int] = [:]

  subscript(uid: UInt32) -> Int { byUser[uid, default: 0] }

  mutating func add(_ uid: UInt32) {
    total += 1
    byUser[uid, default: 0] += 1
  }

  /// - Precondition: one of the user's was added.
  mutating func remove(_ uid: UInt32) {
    total -= 1
    let rest = self[uid] - 1
    byUser[uid] = rest == 0 ? nil : rest
  }
}
