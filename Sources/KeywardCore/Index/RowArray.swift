import CPrefetch

/// A value for each row, of which those that were never set take no memory where their neighbours were not either.
struct RowArray<Element: BitwiseCopyable>: ~Copyable {
  private var chunks: [UnsafeMutablePointer<Element>?] = []
  private let absent: Element

  static var chunkBits: Int { 12 }
  private static var chunkMask: Int { 1 << chunkBits - 1 }

  /// - Parameter absent: what a row has that was never set.
  init(absent: Element) {
    self.absent = absent
  }

  deinit {
    for chunk in chunks { chunk?.deallocate() }
  }

  subscript(row: Int) -> Element {
    get { place(of: row)?.pointee ?? absent }
    set {
      let chunk = row >> Self.chunkBits
      while chunk >= chunks.count { chunks.append(nil) }
      if chunks[chunk] == nil {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: 1 << Self.chunkBits)
        memory.initialize(repeating: absent, count: 1 << Self.chunkBits)
        chunks[chunk] = memory
      }
      place(of: row)?.pointee = newValue
    }
  }

  /// Has a row's value in the cache when it is asked for a little later.
  @inline(__always)
  func prefetch(_ row: Int) {
    if let place = place(of: row) { CPrefetch.prefetch(place) }
  }

  @inline(__always)
  private func place(of row: Int) -> UnsafeMutablePointer<Element>? {
    let chunk = row >> Self.chunkBits
    return chunk < chunks.count ? chunks[chunk].map { $0 + row & Self.chunkMask } : nil
  }
}
