/// An array whose growth moves nothing that is in it.
struct ChunkedArray<Element> {
  private var chunks: [[Element]] = []
  private(set) var count = 0
  private let chunkBits: Int

  /// - Parameter chunkBits: the binary logarithm of how many elements are in one piece of memory.
  init(chunkBits: Int = 12) {
    self.chunkBits = chunkBits
  }

  private var chunkMask: Int { 1 << chunkBits - 1 }

  subscript(index: Int) -> Element {
    _read { yield chunks[index >> chunkBits][index & chunkMask] }
    _modify { yield &chunks[index >> chunkBits][index & chunkMask] }
  }

  var first: Element? { count > 0 ? self[0] : nil }

  mutating func append(_ element: Element) {
    if count & chunkMask == 0 {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(1 << chunkBits)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }

  /// - Precondition: there is one.
  mutating func removeLast() -> Element {
    count -= 1
    defer { if count & chunkMask == 0 { chunks.removeLast() } }
    return chunks[chunks.count - 1].removeLast()
  }
}

extension ChunkedArray: Sendable where Element: Sendable {}
