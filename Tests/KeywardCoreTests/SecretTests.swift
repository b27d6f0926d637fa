import TestSupport
import Testing

@testable import KeywardCore

@Suite struct SecretTests {
  /// Each made elsewhere, with zlib's crc32 over the first 38 bytes and hashlib's sha256 over all.
  static let known = [
    (
      "kw_chat_0123456789ABCDEFGHIJKLMNOPQRST1soWPl", "ad5158dfc700f1367e729c5a7f1e8c47a29b15529732f426448eab29a44a5482"
    ),
    (
      "kw_mail_zyxwvutsrqponmlkjihgfedcba98764cwJx5", "6d2c754cd6af412e0c22f141ecbc308ee4cf53634473d87f3a54a1323a008484"
    ),
    (
      "kw_chat_00000000000000000000000000000048L5Fo", "21d49252bee401bd1e9af5a33a39c1292cf2ab86adfd67594e1f1f051cced205"
    ),
  ]

  private func presented(_ text: String) -> PresentedSecret { Secret.text(text).presented }

  private func presented(_ bytes: [UInt8]) -> PresentedSecret { bytes.withUnsafeBytes { PresentedSecret($0) } }

  @Test(
    "A secret has its permission's prefix, 30 characters and a checksum that is accepted",
    arguments: Permission.allCases)
  func form(_ permission: Permission) {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let secret = Secret.random(for: permission, using: &generator)
      #expect(secret.text.utf8.count == Secret.byteCount)
      #expect(secret.text.hasPrefix(permission == .chat ? "kw_chat_" : "kw_mail_"))
      #expect(secret.text.dropFirst(8).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
      #expect(secret.presented == .digest(secret.digest))
      #expect(secret.hint == "\(secret.text.prefix(8))…\(secret.text.suffix(4))")
    }
  }

  @Test("No two secrets are alike")
  func distinct() {
    var generator = SystemRandomNumberGenerator()
    let secrets = (0..<10_000).map { _ in Secret.random(for: .chat, using: &generator).text }
    #expect(Set(secrets).count == secrets.count)
  }

  @Test("Secrets whose checksum and digest others computed are taken", arguments: known)
  func knownAnswers(_ text: String, _ digest: String) {
    #expect(presented(text) == .digest(Secret.text(text).digest))
    #expect(Secret.text(text).digest.hexadecimal == digest)
  }

  @Test("A typo in any position is refused, whatever the character", arguments: known.map(\.0))
  func typos(_ text: String) {
    let bytes = Array(text.utf8)
    for position in 3..<bytes.count {
      for byte in UInt8.min...UInt8.max where byte != bytes[position] {
        var typo = bytes
        typo[position] = byte
        #expect(presented(typo) == .malformed, "position \(position), byte \(byte)")
      }
    }
  }

  @Test("Two neighbours swapped are refused")
  func swaps() {
    let bytes = Array(Self.known[0].0.utf8)
    for position in 3..<bytes.count - 1 where bytes[position] != bytes[position + 1] {
      var typo = bytes
      typo.swapAt(position, position + 1)
      #expect(presented(typo) == .malformed, "position \(position)")
    }
  }

  @Test(
    "What claims to be keyward's and is not",
    arguments: [
      "kw_", "kw_chat_", "kw_chat_0123456789ABCDEFGHIJKLMNOPQRST1soWP", "kw_chat_0123456789ABCDEFGHIJKLMNOPQRST1soWPl0",
      "kw_test_0123456789ABCDEFGHIJKLMNOPQRST1soWPl", "kw_CHAT_0123456789ABCDEFGHIJKLMNOPQRST1soWPl",
      "kw_mail_0123456789ABCDEFGHIJKLMNOPQRST1soWPl", "kw_chat_0123456789ABCDEFGHIJKLMNOPQRST1soWPl\n",
    ])
  func wrongForm(_ text: String) {
    #expect(presented(text) == .malformed)
  }

  @Test(
    "Other systems' secrets are looked up by their digest",
    arguments: ["x", "kw", "kw-chat", "KW_chat_0", "sk-proj-é", " kw_chat_", "\0"])
  func foreign(_ text: String) {
    #expect(presented(text) == .digest(Secret.text(text).digest))
  }

  @Test("512 bytes are looked at, 513 and none are not")
  func lengths() {
    #expect(presented([]) == .malformed)
    #expect(presented([UInt8](repeating: 0xFF, count: 512)) != .malformed)
    #expect(presented([UInt8](repeating: 0xFF, count: 513)) == .malformed)
  }
}

@Suite struct DigestTests {
  @Test(
    "Known answers of SHA-256 (FIPS 180-2)",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func knownAnswers(_ text: String, _ digest: String) {
    #expect(Array(text.utf8).withUnsafeBytes { Digest(sha256: $0) }.hexadecimal == digest)
  }

  @Test("A digest comes back from its bytes, which must be 32")
  func bytes() {
    let digest = Digest.sample(1)
    #expect(digest.withUnsafeBytes { Digest(bytes: $0) } == digest)
    for count in [0, 31, 33] {
      #expect([UInt8](repeating: 0, count: count).withUnsafeBytes { Digest(bytes: $0) } == nil)
    }
  }

  @Test("A digest is the same whether its bytes fit one block, or come one by one")
  func lengths() {
    let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
    let wrong = (0...bytes.count).filter { count in
      var hashing = Hashing()
      for byte in bytes[..<count] { withUnsafeBytes(of: byte) { hashing.add($0) } }
      return bytes[..<count].withUnsafeBytes { Digest(sha256: $0) } != hashing.digest
    }
    #expect(wrong == [])
  }

  @Test("Digests that differ in one bit differ")
  func oneBit() throws {
    let bytes = Digest.sample(1).withUnsafeBytes { Array($0) }
    for bit in 0..<256 {
      var other = bytes
      other[bit / 8] ^= 1 << (bit % 8)
      #expect(other.withUnsafeBytes { Digest(bytes: $0) } != .sample(1))
    }
  }
}

extension Digest {
  fileprivate var hexadecimal: String {
    withUnsafeBytes { bytes in
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
}
