/// A queue whose growth moves nothing that is in it.
struct ChunkedQueue<Element> {
  /// The first in the first chunk from ``taken`` on.
  private var chunks: [[Element]] = []
  private var taken = 0

  private static var chunkCount: Int { 4096 }

  var isEmpty: Bool { chunks.isEmpty }

  mutating func append(_ element: Element) {
    if chunks.last.map({ $0.count == Self.chunkCount }) ?? true {
      chunks.append([])
    }
    chunks[chunks.count - 1].append(element)
  }

  /// Takes out the first ones, up to a limit.
  mutating func take(_ limit: Int) -> [Element] {
    var result: [Element] = []
    while result.count < limit, let chunk = chunks.first {
      let part = chunk[taken...].prefix(limit - result.count)
      result += part
      taken += part.count
      if taken == chunk.count {
        chunks.removeFirst()
        taken = 0
      }
    }
    return result
  }
}
