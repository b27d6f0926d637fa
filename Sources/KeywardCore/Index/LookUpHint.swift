/// Begins a look-up by digest for whoever does not hold the lock round the index yet: to wait for memory takes most of its
/// time.
struct LookUpHint: Sendable {
  let seed: IndexSeed
  let table: RowTable.Hint

  @inline(__always)
  func prefetch(_ digest: Digest) {
    table.prefetchBucket(seed.hash(digest))
  }
}
