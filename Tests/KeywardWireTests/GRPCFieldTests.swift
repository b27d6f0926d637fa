import KeywardCore
import KeywardWire
import Testing

/// What gRPC writes into header fields, and before messages.
@Suite struct GRPCFieldTests {
  @Test(
    arguments: [
      ("1n", 1), ("7u", 7000), ("20m", 20_000_000), ("3S", 3_000_000_000), ("2M", 120_000_000_000),
      ("1H", 3_600_000_000_000), ("0n", 0), ("00000001S", 1_000_000_000), ("99999999S", 99_999_999_000_000_000),
      ("99999999H", Int64.max),
    ] as [(String, Int64)])
  func `A timeout is digits and a unit`(text: String, nanoseconds: Int64) {
    #expect(Array(text.utf8).withUnsafeBytes { GRPCTimeout.nanoseconds($0) } == nanoseconds)
  }

  @Test(arguments: ["", "S", "1", "1s", "-1S", "+1S", " 1S", "1 S", "1.5S", "123456789S", "１S", "1Sx"])
  func `What is no timeout is none`(text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { GRPCTimeout.nanoseconds($0) } == nil)
  }

  @Test(arguments: [
    ("plain words, 1 < 2 ~", "plain words, 1 < 2 ~"), ("50% off", "50%25 off"), ("two\nlines", "two%0Alines"),
    ("Büro", "B%C3%BCro"), ("\u{7F}", "%7F"), ("🔑", "%F0%9F%94%91"), ("", ""),
  ])
  func `A message is percent-encoded but for printable ASCII`(text: String, encoded: String) {
    #expect(String(decoding: HeaderText.percentEncoded(text), as: UTF8.self) == encoded)
    #expect(HeaderText.percentDecoded(encoded) == text)
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
    ("\u{FF}\u{FE}", "w7/Dvg"),
  ])
  func `Bytes are base64 without padding`(text: String, encoded: String) {
    #expect(String(decoding: HeaderText.base64(Array(text.utf8)), as: UTF8.self) == encoded)
    for padding in ["", "=", "=="] { #expect(HeaderText.bytes(base64: encoded + padding) == Array(text.utf8)) }
  }

  @Test func `A prefix is a flag and a length`() {
    let bytes: [UInt8] = [1, 0x00, 0x01, 0x02, 0x03, 0xFF]
    let prefix = bytes.withUnsafeBytes { GRPCPrefix($0) }
    #expect(prefix?.flag == 1)
    #expect(prefix?.messageByteCount == 0x0001_0203)
    #expect(bytes.prefix(4).withUnsafeBytes { GRPCPrefix($0) } == nil)
  }

  @Test(arguments: Method.allCases)
  func `Each method has a path`(method: Method) {
    let path = Array("/\(method.service)/\(method.name)".utf8)
    #expect(path.withUnsafeBytes { Method(path: $0) } == method)
  }

  @Test(arguments: [
    "", "/", "//", "keyward.v1.ValidationService/ValidateKey", "/keyward.v1.ValidationService", "/ValidateKey",
    "/keyward.v1.ValidationService/ValidateKey/", "/keyward.v1.ValidationService//ValidateKey",
    "/keyward.v1.KeyService/ValidateKey", "/keyward.v1.validationservice/ValidateKey",
  ])
  func `Another path is no method's`(path: String) {
    #expect(Array(path.utf8).withUnsafeBytes { Method(path: $0) } == nil)
  }
}
