import TestSupport
import Testing

@testable import KeywardCore

@Suite struct CRC32Tests {
  private func checksum(_ bytes: some Collection<UInt8>, after before: UInt32 = 0) -> UInt32 {
    Array(bytes).withUnsafeBytes { CRC32.checksum($0, after: before) }
  }

  /// Bit by bit, as the polynomial says.
  private func definition(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~0 as UInt32
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }
    return ~crc
  }

  @Test func `The published check value comes out`() {
    #expect(checksum("123456789".utf8) == 0xCBF4_3926)
  }

  @Test func `Texts of every length have the checksum that the polynomial gives them`() {
    var generator = SampleGenerator(seed: 32)
    let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let wrong = (0...bytes.count).filter { checksum(bytes[..<$0]) != definition(Array(bytes[..<$0])) }
    #expect(wrong == [])
  }

  @Test func `A text in two parts has the checksum of the whole, wherever it is cut`() {
    let bytes = Array("kw_chat_The five boxing wizards jump quickly, and once more.".utf8)
    let whole = checksum(bytes)
    let wrong = (0...bytes.count).filter { checksum(bytes[$0...], after: checksum(bytes[..<$0])) != whole }
    #expect(wrong == [])
  }

  @Test(.enabled(if: CRC32.isFast))
  func `A secret's body has the same checksum with the table and without`() {
    var generator = SampleGenerator(seed: 30)
    let wrong = (0..<10_000).filter { _ in
      let body = (0..<Secret.randomCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let before = UInt32.random(in: 0...UInt32.max, using: &generator)
      return body.withUnsafeBytes { CRC32.checksum($0, after: before) != CRC32.checksumByTable($0, after: before) }
    }
    #expect(wrong == [])
  }
}
