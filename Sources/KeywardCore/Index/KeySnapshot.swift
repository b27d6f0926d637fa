/// Every key at one moment, to be searched for as long as that takes while others change the index.
///
/// Last uses are not part of it: validations go on writing them, so whoever needs them asks for those of some rows.
struct KeySnapshot: Sendable {
  let rows: KeyRows
  let users: ChunkedArray<User>

  /// Finds a page of keys.
  /// - Parameters:
  ///   - token: where the page before ended; nil for the first one.
  ///   - lastUses: when the keys of some rows were used last.
  func page(
    _ query: ListQuery, after token: PageToken?, at now: Instant, soonEnd: Instant,
    lastUses: (Range<Int>) -> [Instant?]
  ) -> KeyPage {
    let start = token?.place
    var startName = Array((start?.name ?? "").utf8)
    let filter = KeyFilter(query, users: users, at: now, soonEnd: soonEnd)
    // The texts that candidates point to are those of this snapshot's blocks, and that of the start.
    return withExtendedLifetime(self) {
      startName.withUnsafeMutableBytes { name in
        let start = start.map { start in
          Candidate(
            place: 2 * rows.count(below: start.ordinal) + (isOrdinal(start.ordinal) ? 1 : 0), instant: start.instant,
            name: UnsafeRawBufferPointer(name))
        }
        var search = KeySearch(query.order, limit: query.pageSize, after: start)
        let total = search.run(rows, filter, lastUses)
        return page(search.page, total, query, asOf: token?.asOf ?? query.asOf, filter, lastUses)
      }
    }
  }

  private func page(
    _ found: (candidates: [Candidate], hasMore: Bool), _ total: Int, _ query: ListQuery, asOf: Instant?,
    _ filter: KeyFilter, _ lastUses: (Range<Int>) -> [Instant?]
  ) -> KeyPage {
    let keys = found.candidates.compactMap { candidate in
      let lastUsed = lastUses(candidate.row..<candidate.row + 1).first ?? nil
      return rows.withRow(candidate.row) { block, row in
        block.key(row, lastUsed: lastUsed) { users[Int($0)].name }
      }
    }
    var token = ""
    if found.hasMore, let last = found.candidates.last {
      let place = ListPlace(name: last.foldedName, instant: last.instant, ordinal: rows.ordinal(last.row))
      token = PageToken(place, asOf: asOf).text(for: query)
    }
    return KeyPage(
      keys: keys.map { KeyView($0, at: filter.now, soonEnd: filter.soonEnd) }, nextPageToken: token, totalSize: total)
  }

  private func isOrdinal(_ ordinal: Int64) -> Bool {
    let row = rows.count(below: ordinal)
    return row < rows.count && rows.ordinal(row) == ordinal
  }
}
