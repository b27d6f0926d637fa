/// The users who made and changed keys, each under a number that stays.
struct UserTable: ~Copyable {
  private(set) var users = ChunkedArray<User>()
  private var numbers = RowTable()
  /// The one asked for last, who is often asked for next.
  private var last = 0

  /// The number of a user.
  mutating func number(of name: String) -> UInt32 {
    if last < users.count, users[last].name.utf8.elementsEqual(name.utf8) { return UInt32(last) }
    let hash = name.hashOfBytes
    // By their bytes, for each is told as it was given.
    if let number = numbers.row(hash, where: { users[$0].name.utf8.elementsEqual(name.utf8) }) {
      last = number
    } else {
      last = users.count
      users.append(User(name))
      numbers.insert(last, hash)
    }
    return UInt32(last)
  }
}

struct User: Sendable {
  let name: String
  /// As it is searched for.
  let folded: String

  init(_ name: String) {
    self.name = name
    let folded = CaseFolding.folded(name)
    self.folded = folded.utf8.elementsEqual(name.utf8) ? name : folded
  }
}
