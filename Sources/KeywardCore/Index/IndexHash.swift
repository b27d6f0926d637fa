/// What rows are found by in the index's tables.

extension String {
  /// Of its UTF-8, under a seed of this process.
  var hashOfBytes: UInt64 {
    var text = self
    return text.withUTF8 { UnsafeRawBufferPointer($0).hashOfBytes }
  }
}

extension UnsafeRawBufferPointer {
  /// Under a seed of this process.
  var hashOfBytes: UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: self)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}

/// Hashes digests and ids under random words of this process: imports bring digests of a peer's choice, which must not
/// be made to meet in one place. It is several times as fast as the hasher, and every validation waits for it.
struct IndexSeed {
  private let words: (UInt64, UInt64, UInt64, UInt64) = (
    .random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max), .random(in: 0 ... .max)
  )

  /// Folded products of the digest's words with the seed's, as wyhash mixes them.
  @inline(__always)
  func hash(_ digest: Digest) -> UInt64 {
    let first = (digest.words.0 ^ words.0).multipliedFullWidth(by: digest.words.1 ^ words.1)
    let second = (digest.words.2 ^ words.2).multipliedFullWidth(by: digest.words.3 ^ words.3)
    return first.high ^ first.low ^ second.high &+ second.low
  }

  func hash(_ id: KeyID) -> UInt64 {
    let product = (id.words.0 ^ words.0).multipliedFullWidth(by: id.words.1 ^ words.1)
    return product.high ^ product.low
  }
}
