import Testing

@testable import KeywardCore

@Suite struct CopyNameTests {
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
