/// Every key at one moment, to be searched for as long as that takes while others change the index.
///
/// The rows lie in blocks, so that a change while a snapshot is about copies one block and not a million rows.
struct KeySnapshot: Sendable {
  struct Row: Sendable {
    var key: Key
    let ordinal: Int64
    /// The folded name, and the folded creator after a line feed, which neither can hold.
    var searchText: String

    init(_ key: Key, ordinal: Int64) {
      self.key = key
      self.ordinal = ordinal
      searchText = Self.searchText(of: key)
    }

    mutating func replace(_ key: Key) {
      if key.name != self.key.name { searchText = Self.searchText(of: key) }
      self.key = key
    }

    private static func searchText(of key: Key) -> String {
      CaseFolding.folded(key.name.text) + "\n" + CaseFolding.folded(key.creator)
    }
  }

  private static let blockBits = 9
  private static let blockMask = 1 << blockBits - 1

  private var blocks: [[Row?]] = []
  private(set) var count = 0

  /// nil for a key that was purged.
  subscript(position: Int) -> Row? { blocks[position >> Self.blockBits][position & Self.blockMask] }

  mutating func append(_ row: Row) {
    if count & Self.blockMask == 0 {
      blocks.append([])
      blocks[blocks.count - 1].reserveCapacity(1 << Self.blockBits)
    }
    blocks[blocks.count - 1].append(row)
    count += 1
  }

  mutating func replace(_ key: Key, at position: Int) {
    blocks[position >> Self.blockBits][position & Self.blockMask]?.replace(key)
  }

  mutating func setLastUsed(_ instant: Instant, at position: Int) {
    blocks[position >> Self.blockBits][position & Self.blockMask]?.key.lastUsedTime = instant
  }

  mutating func remove(at position: Int) {
    blocks[position >> Self.blockBits][position & Self.blockMask] = nil
  }

  /// Finds a page of keys.
  /// - Parameter token: where the page before ended; nil for the first one.
  func page(_ query: ListQuery, after token: PageToken?, at now: Instant, soonEnd: Instant) -> KeyPage {
    let start = token?.place
    let asOf = token?.asOf ?? query.asOf
    var total = 0
    var page = Selection(limit: query.pageSize)
    for block in blocks {
      for case let row? in block where query.finds(row, at: now, soonEnd) {
        total += 1
        let place = query.order.place(of: row)
        if let start, !query.order.isSorted(start, place) { continue }
        page.offer(row.key, at: place, in: query.order)
      }
    }
    let (keys, last) = page.result
    return KeyPage(
      keys: keys.map { KeyView($0, at: now, soonEnd: soonEnd) },
      nextPageToken: last.map { PageToken($0, asOf: asOf).text(for: query) } ?? "", totalSize: total)
  }
}

/// The first keys of an order among those offered, in their order.
private struct Selection {
  private let limit: Int
  private var found: [(key: Key, place: ListPlace)] = []
  private var isOverfull = false

  init(limit: Int) {
    self.limit = limit
  }

  /// The keys, and the place of the last one where there are more behind it.
  var result: (keys: [Key], last: ListPlace?) {
    (found.map(\.key), isOverfull ? found.last?.place : nil)
  }

  mutating func offer(_ key: Key, at place: ListPlace, in order: ListOrder) {
    if found.count == limit {
      isOverfull = true
      guard let last = found.last, order.isSorted(place, last.place) else { return }
      found.removeLast()
    }
    // Most orders are offered nearly sorted, so the place is looked for from the end.
    var low = 0
    var high = found.count
    if let last = found.last, order.isSorted(last.place, place) { low = high }
    while low < high {
      let middle = (low + high) / 2
      if order.isSorted(found[middle].place, place) { low = middle + 1 } else { high = middle }
    }
    found.insert((key, place), at: low)
  }
}

extension ListOrder {
  fileprivate func place(of row: KeySnapshot.Row) -> ListPlace {
    switch field {
    case .createTime: ListPlace(ordinal: row.ordinal)
    case .name: ListPlace(name: String(row.searchText.prefix { $0 != "\n" }), ordinal: row.ordinal)
    case .expireTime: ListPlace(instant: row.key.expireTime?.microseconds ?? .max, ordinal: row.ordinal)
    case .lastUsedTime: ListPlace(instant: row.key.lastUsedTime?.microseconds ?? .min, ordinal: row.ordinal)
    }
  }

  /// Whether the first place comes before the second in this order; equal ones do not.
  fileprivate func isSorted(_ a: ListPlace, _ b: ListPlace) -> Bool { isDescending ? b.precedes(a) : a.precedes(b) }
}

extension ListQuery {
  fileprivate func finds(_ row: KeySnapshot.Row, at now: Instant, _ soonEnd: Instant) -> Bool {
    // The sweeper may be late; the end of the 30 days is not.
    guard row.key.deleteTime == nil || showDeleted && row.key.purgeTime.map({ $0 > now }) ?? true else { return false }
    guard permissions.isEmpty || permissions.contains(row.key.permission) else { return false }
    guard text.isIn(row.searchText) else { return false }
    guard !availabilities.isEmpty else { return true }
    let availability = row.key.availability(at: now, soonEnd: soonEnd)
    return availabilities.contains(availability)
      || availability == .soonUnavailable && availabilities.contains(.available)
  }
}
