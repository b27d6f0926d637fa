import TestSupport
import Testing

@testable import KeywardCore

@Suite struct LastUsesTests {
  @Test("Each use is taken out once, the latest one, and again if it is put back: against a model")
  func model() {
    var generator = SampleGenerator(seed: 4)
    var uses = LastUses()
    var times: [Int: Instant] = [:]
    var waiting: Set<Int> = []
    for _ in 0..<20_000 {
      let row = Int.random(in: 0..<20, using: &generator) * 1777
      let instant = Instant(microseconds: .random(in: 0..<1000, using: &generator))
      switch Int.random(in: 0..<12, using: &generator) {
      case 0..<8:
        uses.record(row, at: instant)
        if times[row].map({ $0 < instant }) ?? true {
          times[row] = instant
          waiting.insert(row)
        }
      case 8..<10:
        let limit = Int.random(in: 1...5, using: &generator)
        // The rest of one pass, and as much of the next as is needed.
        var taken: [(row: Int, instant: Instant)] = []
        for _ in 0..<2 where taken.count < limit {
          var isOver = false
          while !isOver, taken.count < limit {
            let piece = uses.take(limit: limit - taken.count)
            taken += piece.uses
            isOver = piece.isOver
          }
        }
        #expect(taken.count == min(limit, waiting.count))
        for use in taken {
          #expect(waiting.remove(use.row) != nil && times[use.row] == use.instant)
          if Bool.random(using: &generator) {
            uses.putBack(use.row)
            waiting.insert(use.row)
          }
        }
      case 10:
        uses.remove(row)
        times[row] = nil
        waiting.remove(row)
      default:
        if times[row] != nil { continue }
        uses.restore(row, instant)
        times[row] = instant
      }
      #expect(uses.waitingCount == waiting.count)
      #expect(uses[row] == times[row])
    }
  }

  @Test("A pass comes to its end though keys that it has passed are used again and again")
  func passes() {
    var uses = LastUses()
    let rows = (0..<10_000).map { $0 * 3 }
    for row in rows { uses.record(row, at: Instant(microseconds: 1)) }
    var taken: Set<Int> = []
    var now: Int64 = 1
    for _ in 0..<1000 {
      let piece = uses.take(limit: 100)
      for use in piece.uses { #expect(taken.insert(use.row).inserted) }
      if piece.isOver { break }
      now += 1
      for use in piece.uses { uses.record(use.row, at: Instant(microseconds: now)) }
    }
    #expect(taken == Set(rows))
  }

  @Test("Instants that no clock tells are kept within those that a peer may be told")
  func extremes() {
    var uses = LastUses()
    uses.record(1, at: .distantFuture)
    uses.record(2, at: Instant(microseconds: .min))
    #expect(uses[1] == .latest)
    #expect(uses[2] == .epoch)
    #expect(uses[3] == nil)
  }
}
