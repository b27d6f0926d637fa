/// Which keys of a block a query finds.
struct KeyFilter {
  let now: Instant
  let soonEnd: Instant
  /// ``KeyRecord/Flags/searched`` of a key that is found, in the bits of the mask.
  private let wanted: UInt8
  private let mask: UInt8
  private let availabilities: Set<Availability>
  private let findsDeleted: Bool
  /// nil where any key is found whatever its texts are.
  private let text: Text?

  fileprivate struct Text {
    /// nil where no name has it.
    let needle: Needle?
    /// Of each user's number, whether the text is in the user's name; empty where it is in none.
    let users: [Bool]
  }

  init(_ query: ListQuery, users: ChunkedArray<User>, at now: Instant, soonEnd: Instant) {
    self.now = now
    self.soonEnd = soonEnd
    var mask: KeyRecord.Flags = .present
    var wanted: KeyRecord.Flags = .present
    if !query.showDeleted { mask.insert(.deleted) }
    if query.permissions.count == 1 {
      mask.insert(.secureMail)
      if query.permissions.contains(.secureMail) { wanted.insert(.secureMail) }
    }
    findsDeleted = query.showDeleted
    self.mask = mask.searched
    self.wanted = wanted.searched
    var availabilities = query.availabilities
    if availabilities.contains(.available) { availabilities.insert(.soonUnavailable) }
    self.availabilities = availabilities.count == Availability.allCases.count ? [] : availabilities
    text = query.text.folded.isEmpty ? nil : Text(query.text.folded, users)
  }

  func rows(of block: KeyBlock) -> RowSet {
    var found: RowSet
    if let text {
      found = text.rows(of: block)
      if found.isEmpty { return found }
    } else {
      found = RowSet(first: block.count)
    }
    if !areAllWanted(block) { found.formIntersection(wanted(of: block)) }
    // The sweeper may be late; the end of the 30 days is not.
    if findsDeleted { dropPurged(of: block, from: &found) }
    guard !availabilities.isEmpty else { return found }
    let candidates = found
    candidates.visit { row in
      let availability = block.ends(ofKey: row).availability(at: now, soonEnd: soonEnd)
      if !availabilities.contains(availability) { found.remove(row) }
      return true
    }
    return found
  }

  private func dropPurged(of block: KeyBlock, from found: inout RowSet) {
    for row in 0..<block.count where block.searched[row] & KeyRecord.Flags.deleted.searched != 0 {
      if let time = block.purgeTime(row), time <= now { found.remove(row) }
    }
  }

  /// Whether the flags of all rows are those that are wanted, as they mostly are; told in a fraction of the time that
  /// it takes to tell which rows' are.
  private func areAllWanted(_ block: KeyBlock) -> Bool {
    guard block.isFull else { return false }
    let ones: UInt64 = 0x0101_0101_0101_0101
    let (mask, wanted) = (UInt64(mask) * ones, UInt64(wanted) * ones)
    return block.searched.withMemoryRebound(to: UInt64.self, capacity: KeyBlock.capacity / 8) { words in
      var others: UInt64 = 0
      for word in 0..<KeyBlock.capacity / 8 { others |= words[word] & mask ^ wanted }
      return others == 0
    }
  }

  private func wanted(of block: KeyBlock) -> RowSet {
    let searched = block.searched
    return RowSet(first: block.count) { searched[$0] & mask == wanted }
  }
}

extension KeyFilter.Text {
  init(_ folded: String, _ users: ChunkedArray<User>) {
    needle = Needle(folded)
    let found = (0..<users.count).map { [needle] in needle?.isIn(users[$0].folded) ?? false }
    self.users = found.contains(true) ? found : []
  }

  func rows(of block: KeyBlock) -> RowSet {
    var found = needle?.rows(of: block.search) ?? RowSet()
    guard !users.isEmpty else { return found }
    let creators = block.creators
    for row in 0..<block.count where users[Int(creators[row])] { found.insert(row) }
    return found
  }
}
