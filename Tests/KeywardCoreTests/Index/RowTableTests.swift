import Synchronization
import TestSupport
import Testing

@testable import KeywardCore

@Suite struct RowTableTests {
  /// A table, and what should be in it: each row under one hash.
  private struct Model: ~Copyable {
    var table = RowTable()
    var hashes: [Int: UInt64] = [:]

    mutating func insert(_ row: Int, _ hash: UInt64) {
      table.insert(row, hash)
      hashes[row] = hash
    }

    mutating func remove(_ row: Int) {
      guard let hash = hashes.removeValue(forKey: row) else { return }
      table.remove(row, hash)
    }

    func holds(_ row: Int, _ hash: UInt64) -> Bool { table.row(hash, where: { $0 == row }) == row }

    borrowing func check() {
      let missing = hashes.count { !holds($0.key, $0.value) }
      #expect(missing == 0)
    }
  }

  @Test(arguments: [UInt64.max, 0xFFF0_0000_0000_FFFF, 0x0000_0000_0000_00FF, 0])
  func `Rows come and go as in a dictionary, however much their hashes have in common`(mask: UInt64) {
    var generator = SampleGenerator(seed: mask &+ 3)
    var model = Model()
    var next = 0
    for step in 0..<20_000 {
      if Int.random(in: 0..<5, using: &generator) < 3 {
        model.insert(next, generator.next() & mask)
        next += 1
      } else if let row = model.hashes.keys.randomElement(using: &generator) {
        let hash = model.hashes[row] ?? 0
        model.remove(row)
        let isThere = model.holds(row, hash)
        #expect(!isThere)
      }
      if step % 5000 == 0 { model.check() }
      // Those of one hash are all looked through.
      if mask == 0, step > 3000 { break }
    }
    model.check()
  }

  @Test func `Rows of one shard that all but fill it are found, and so is that another one is not there`() {
    var model = Model()
    for row in 0..<5000 { model.insert(row, UInt64(row) &* 0x9E37) }
    model.check()
    for row in 0..<5000 where row % 3 > 0 { model.remove(row) }
    model.check()
    let left = (0..<5000).filter { model.holds($0, UInt64($0) &* 0x9E37) }
    #expect(left == Array(stride(from: 0, to: 5000, by: 3)))
  }

  @Test func `Removing what is not there changes nothing`() {
    var model = Model()
    model.table.remove(3, 77)
    model.insert(4, 77)
    model.table.remove(3, 77)
    let isThere = model.holds(4, 77)
    #expect(isThere)
  }

  /// A digest of a peer's choice: an import may bring any 32 bytes.
  private func chosen(_ number: Int, sharing words: Int) throws -> Digest {
    var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
    withUnsafeBytes(of: UInt64(number)) { number in
      for index in 0..<8 { bytes[words * 8 + index] = number[index] }
    }
    return try #require(bytes.withUnsafeBytes { Digest(bytes: $0) })
  }

  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  private static func hash(_ row: Int) -> UInt64 { UInt64(row) &* 0x9E37_79B9_7F4A_7C15 }

  @Test func `Hints may be taken by another thread while the table grows`() async {
    var table = RowTable()
    let hint = table.hint
    let hasGrown = Flag()
    let taking = Task.detached {
      repeat {
        for row in 0..<1000 {
          hint.prefetchShard(Self.hash(row))
          hint.prefetchBucket(Self.hash(row))
        }
      } while !hasGrown.isSet.load(ordering: .relaxed)
    }
    for row in 0..<20_000 { table.insert(row, Self.hash(row)) }
    hasGrown.isSet.store(true, ordering: .relaxed)
    await taking.value
    #expect((0..<20_000).allSatisfy { row in table.row(Self.hash(row)) { $0 == row } == row })
  }

  @Test(arguments: [0, 1, 2, 3])
  func `Digests that share words are found, and do not meet in one place`(words: Int) throws {
    var table = RowTable()
    let seed = IndexSeed()
    // Met in one place, they would take hours.
    let digests = try (0..<100_000).map { try chosen($0, sharing: words) }
    for (row, digest) in digests.enumerated() { table.insert(row, seed.hash(digest)) }
    var compared = 0
    for row in stride(from: 0, to: digests.count, by: 97) {
      let found = table.row(seed.hash(digests[row])) { other in
        compared += 1
        return digests[other] == digests[row]
      }
      #expect(found == row)
    }
    #expect(compared < digests.count / 97 * 2)
  }
}

@Suite struct RowMapTests {
  @Test func `Values come and go as in a dictionary`() {
    var generator = SampleGenerator(seed: 8)
    var map = RowMap<Int>()
    var model: [Int: Int] = [:]
    for _ in 0..<20_000 {
      let row = Int.random(in: 0..<500, using: &generator)
      let value = Int.random(in: 0..<9, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        map[row] = nil
        model[row] = nil
      case 1:
        let isThere = map.update(row) { $0 += value } != nil
        #expect(isThere == (model[row] != nil))
        model[row]? += value
      default:
        map[row] = value
        model[row] = value
      }
      let (present, isEmpty) = (map[row], map.isEmpty)
      #expect(present == model[row])
      #expect(isEmpty == model.isEmpty)
    }
    let rows = map.rows.sorted()
    #expect(rows == model.keys.sorted())
  }
}
