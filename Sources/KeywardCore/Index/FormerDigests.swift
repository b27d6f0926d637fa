/// Digests of secrets that others have taken the place of, and that are good for a while longer.
struct FormerDigests: ~Copyable {
  private var byDigest = RowTable()
  private var lists = RowMap<[FormerDigest]>()
  /// When the first of each row's ends.
  private var agenda = Agenda()

  var isEmpty: Bool { lists.isEmpty }

  /// When the first of all ends.
  var nextEnd: Instant? { agenda.next }

  /// Whose digest it was, and when it stops being good.
  func find(_ digest: Digest, _ hash: UInt64) -> (row: Int, until: Instant)? {
    guard !isEmpty else { return nil }
    var until = Instant.distantFuture
    let row = byDigest.row(hash) { row in
      guard let former = lists[row]?.first(where: { $0.digest == digest }) else { return false }
      until = former.until
      return true
    }
    return row.map { ($0, until) }
  }

  func ends(ofRow row: Int) -> [Instant] { lists[row]?.map(\.until) ?? [] }

  /// - Parameter hash: gives a digest's hash.
  mutating func add(_ digests: [FormerDigest], to row: Int, _ hash: (Digest) -> UInt64) {
    guard !digests.isEmpty else { return }
    for former in digests { byDigest.insert(row, hash(former.digest)) }
    set(row, (lists[row] ?? []) + digests)
  }

  /// Lets a row's digests be good until an instant and no longer.
  mutating func limit(_ row: Int, until: Instant) {
    guard let list = lists[row] else { return }
    set(row, list.map { FormerDigest(digest: $0.digest, until: min($0.until, until)) })
  }

  /// Lets go of a row's digests that have ended.
  mutating func drop(_ row: Int, endedBy instant: Instant, _ hash: (Digest) -> UInt64) {
    guard let list = lists[row] else { return }
    for former in list where former.until <= instant { byDigest.remove(row, hash(former.digest)) }
    set(row, list.filter { $0.until > instant })
  }

  /// As ``drop(_:endedBy:_:)`` for the row of which one has ended first.
  /// - Returns: whether there was such a row.
  mutating func dropFirst(endedBy instant: Instant, _ hash: (Digest) -> UInt64) -> Bool {
    guard let row = agenda.takeDue(at: instant) else { return false }
    drop(row, endedBy: instant, hash)
    return true
  }

  private mutating func set(_ row: Int, _ list: [FormerDigest]) {
    lists[row] = list.isEmpty ? nil : list
    agenda.set(row, at: list.map(\.until).min())
  }
}
