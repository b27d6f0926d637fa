import KeywardCore

/// An open database with its statements: what a store's transaction does.
struct StoreConnection {
  let database: Database
  let statements: KeptStatements

  /// The store's revision and latest instant.
  func mark() throws(SQLiteError) -> StoreMark {
    let mark = try statements.mark.first { row -> StoreMark? in
      guard let revision = row.integer(0), let latest = row.integer(1) else { return nil }
      return StoreMark(revision: revision, latestInstant: Instant(microseconds: latest))
    }
    guard let mark = mark ?? nil, (0...Schema.maxRevision).contains(mark.revision), mark.latestInstant.isRepresentable
    else { throw .damaged }
    return mark
  }

  /// Makes the changes, within the transaction that is open.
  func make(_ changes: [Change], at instant: Instant) throws(SQLiteError) -> [Result<Placement, Conflict>] {
    var revision = try mark().revision
    var results: [Result<Placement, Conflict>] = []
    results.reserveCapacity(changes.count)
    for change in changes {
      let result =
        switch change {
        case .insert(let key, let digest): try insert(key, digest, revision: revision + 1)
        }
      if case .success = result { revision += 1 }
      results.append(result)
    }
    try statements.advance.run([.integer(revision), SQLValue(instant)])
    return results
  }

  // Conflicts are looked for first, so that nothing half made has to be taken back. No other writer can come between.
  private func insert(
    _ key: Key, _ digest: Digest, revision: Revision
  ) throws(SQLiteError) -> Result<Placement, Conflict> {
    if try statements.duplicate.first([.text(key.id.description), .digest(digest)], { _ in true }) ?? false {
      return .failure(.duplicate)
    }
    if key.deleteTime == nil, try statements.nameTaken.first([.text(key.name.text)], { _ in true }) ?? false {
      return .failure(.nameTaken)
    }
    try statements.insertKey.run(KeyRow.values(of: key, revision: revision))
    let ordinal = database.lastOrdinal
    try statements.insertDigest.run([.digest(digest), .integer(ordinal)])
    return .success(Placement(ordinal: ordinal, revision: revision))
  }
}
