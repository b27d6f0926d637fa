import Testing

@testable import KeywardCore

@Suite struct DigestTableTests {
  /// A digest of a peer's choice: an import may bring any 32 bytes.
  private func chosen(_ number: Int, sharing words: Int) -> Digest? {
    var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
    withUnsafeBytes(of: UInt64(number)) { number in
      for index in 0..<8 { bytes[words * 8 + index] = number[index] }
    }
    return bytes.withUnsafeBytes { Digest(bytes: $0) }
  }

  @Test(arguments: [1, 2, 3])
  func `Digests that share words are found, and do not meet in one place`(words: Int) throws {
    var table = DigestTable()
    // Met in one place, they would take hours.
    let digests = try (0..<300_000).map { try #require(chosen($0, sharing: words)) }
    for (row, digest) in digests.enumerated() { table.insert(digest, row: row) }
    for row in stride(from: 0, to: digests.count, by: 997) { #expect(table[digests[row]]?.row == UInt32(row)) }
    table.remove(digests[5])
    #expect(table[digests[5]] == nil)
    #expect(table[digests[6]]?.row == 6)
  }

  @Test func `A great many copies cost few look-ups for the next one`() throws {
    let base = KeyName(checked: "base")
    var lookUps = 0
    let name = CopyName.next(for: base) { name in
      lookUps += 1
      return Int(name.text.dropFirst("base_".count)).map { $0 <= 1_000_000 } ?? false
    }
    #expect(name.text == "base_1000001")
    #expect(lookUps < 200)
  }

  @Test func `Where some numbers are taken the lowest free one is next`() {
    let taken: Set<String> = ["k_1", "k_2", "k_4"]
    #expect(CopyName.next(for: KeyName(checked: "k")) { taken.contains($0.text) }.text == "k_3")
  }
}
