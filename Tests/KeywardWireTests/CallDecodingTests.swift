import KeywardCore
import KeywardWire
import Testing

/// What a peer may write, and what it is told when it writes something else.
@Suite struct CallDecodingTests: DecodesCalls {
  let arena = Arena()

  private static let keys = "keyward.v1.KeyService"
  private static let validation = "keyward.v1.ValidationService"

  @Test(arguments: [
    ("keyward.v1.KeyService", "RenameKey"), ("keyward.v1.KeyService", "WatchKeys"),
    ("keyward.v1.ValidationService", "CreateKey"), ("keyward.v2.KeyService", "CreateKey"), ("", ""),
  ])
  func `A method that is not there is UNIMPLEMENTED`(service: String, method: String) {
    #expect(refusal { () throws(CallError) in try decode(service, method, ProtoWriter()) }?.code == .unimplemented)
  }

  @Test func `A key that is named not at all or twice is a wrong field`() throws {
    for request in [
      ProtoWriter { $0.text(3, "x") },
      ProtoWriter {
        $0.text(1, "a")
        $0.text(2, "b")
      },
    ] {
      let error = try #require(refusal { () throws(CallError) in try decode(Self.keys, "GetKey", request) })
      #expect(error.violations.map(\.field) == ["id"])
      #expect(error.reason == .fieldInvalid)
    }
  }

  @Test func `A made-up name is not repeated at any length`() throws {
    let name = String(repeating: "e\u{301}", count: 10_000)
    let error = try #require(refusal { () throws(CallError) in try decode(name, name, ProtoWriter()) })
    #expect(error.message.utf8.count < 1000)
  }

  @Test func `Bytes that are no message are INVALID_ARGUMENT`() {
    #expect(refusal { () throws(CallError) in try decode([0xFF, 0xFF]) }?.code == .invalidArgument)
    let payload = ProtoWriter { $0.data(1, [1, 2, 3]) }
    let cut = Array(payload.bytes.dropLast())
    let error = refusal { () throws(CallError) in
      try decode(
        ProtoWriter {
          $0.text(1, Self.validation)
          $0.text(2, "ValidateKey")
          $0.data(3, cut)
        }.bytes)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `A negative timeout is over before it began`() {
    let error = refusal { () throws(CallError) in
      try decode("keyward.v1.ControlService", "WhoAmI", ProtoWriter()) { $0.varint(4, UInt64(bitPattern: -1)) }
    }
    #expect(error?.code == .deadlineExceeded)
  }

  /// Every text that a peer can send, by method and field number.
  private static let texts: [(String, String, Int)] = [
    (validation, "ValidateKey", 1), (keys, "CreateKey", 1), (keys, "CreateKey", 5), (keys, "GetKey", 1),
    (keys, "GetKey", 2), (keys, "ListKeys", 1), (keys, "ListKeys", 4), (keys, "ListKeys", 6), (keys, "RevokeKey", 1),
    (keys, "RevokeKey", 3), (keys, "RevokeKey", 4), (keys, "DeleteKey", 1), (keys, "DeleteKey", 2),
    (keys, "UndeleteKey", 1), (keys, "UndeleteKey", 2), (keys, "CopyKey", 1), (keys, "CopyKey", 2),
    (keys, "CopyKey", 3), (keys, "CopyKey", 4), (keys, "RotateKey", 1), (keys, "RotateKey", 3), (keys, "RotateKey", 4),
    (keys, "ListAuditEvents", 1), (keys, "ListAuditEvents", 2), (keys, "ListAuditEvents", 7),
  ]

  @Test(arguments: texts, [[0x61, 0x00, 0x62], [0x00], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]])
  func `An embedded NUL or bad UTF-8 is INVALID_ARGUMENT in every text`(
    field: (String, String, Int), bytes: [UInt8]
  ) throws {
    let payload = ProtoWriter {
      $0.data(field.2, bytes)
      if field.1 == "ValidateKey" || field.1 == "CreateKey" { $0.varint(2, 1) }
      if field.1 == "CreateKey", field.2 != 1 { $0.text(1, "n") }
      if field.1.hasSuffix("Key"), !["ValidateKey", "CreateKey", "GetKey"].contains(field.1), field.2 != 1 {
        $0.text(1, sampleID)
      }
    }
    let error = try #require(refusal { () throws(CallError) in try decode(field.0, field.1, payload) })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains(bytes.contains(0) ? "NUL" : "UTF-8"))
  }

  @Test func `Metadata is text as well`() {
    let error = refusal { () throws(CallError) in
      try decode("keyward.v1.ControlService", "WhoAmI", ProtoWriter()) {
        $0.message(5) { $0.data(1, [0x61, 0]) }
      }
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: [nil, 0, 3, 255, 256, 257, UInt64(UInt32.max)] as [UInt64?])
  func `A permission that is missing or not known is named`(value: UInt64?) throws {
    let payload = ProtoWriter {
      $0.text(1, "n")
      if let value { $0.varint(2, value) }
    }
    let error = try #require(refusal { () throws(CallError) in try decode(Self.keys, "CreateKey", payload) })
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("PERMISSION_CHAT"))
  }

  @Test(arguments: [
    (Int64(-1), Int32(0)), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000), (.max, 0), (.min, 0),
  ])
  func `A time that no Timestamp may hold is refused`(seconds: Int64, nanos: Int32) {
    let payload = ProtoWriter {
      $0.text(1, "n")
      $0.varint(2, 1)
      $0.message(4) {
        $0.varint(1, UInt64(bitPattern: seconds))
        $0.varint(2, UInt64(bitPattern: Int64(nanos)))
      }
    }
    let error = refusal { () throws(CallError) in try decode(Self.keys, "CreateKey", payload) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `Fields that a newer peer knows are passed over`() throws {
    let payload = ProtoWriter {
      $0.text(1, "n")
      $0.varint(2, 2)
      $0.text(99, "later")
    }
    guard case .change(let request) = try decode(Self.keys, "CreateKey", payload) else {
      Issue.record("not a change")
      return
    }
    #expect(request == ChangeRequest(.create(CreateKey(name: KeyName(checked: "n"), permission: .secureMail))))
  }

  @Test func `A small message that unpacks into a much larger one is refused`() {
    let bytes = ProtoWriter { writer in
      for _ in 0..<1_000_000 { writer.data(5, []) }
    }.bytes
    #expect(refusal { () throws(CallError) in try decode(bytes) }?.code == .resourceExhausted)
    arena.reset()
    #expect(throws: Never.self) { try decode("keyward.v1.ControlService", "WhoAmI", ProtoWriter()) }
  }

  /// A good call of each form there is.
  private static let valid: [(String, String, @Sendable (inout ProtoWriter) -> Void)] = [
    (
      keys, "CreateKey",
      {
        $0.text(1, "name")
        $0.varint(2, 1)
        $0.message(4) { $0.varint(1, 4_000_000_000) }
      }
    ),
    (
      keys, "UpdateKey",
      {
        $0.message(1) {
          $0.text(1, sampleID)
          $0.text(2, "new")
          $0.text(18, "7")
        }
        $0.message(2) { $0.text(1, "name") }
      }
    ),
    (
      keys, "RotateKey",
      {
        $0.text(1, sampleID)
        $0.message(2) { $0.varint(1, 3600) }
      }
    ),
    (
      keys, "ListAuditEvents",
      {
        $0.text(1, sampleID)
        $0.data(3, [1, 6])
        $0.message(4) { $0.varint(1, 1) }
      }
    ),
    (
      validation, "ValidateKeys",
      { writer in
        for _ in 0..<3 {
          writer.message(1) {
            $0.text(1, "another's secret")
            $0.varint(2, 1)
          }
        }
      }
    ),
  ]

  @Test(arguments: valid.indices) func `No bytes at all stop the decoder`(form: Int) {
    var generator = SplitMix(state: 1)
    let (service, method, fields) = Self.valid[form]
    let valid = ProtoWriter {
      $0.text(1, service)
      $0.text(2, method)
      $0.message(3, fields)
    }.bytes
    #expect(refusal { () throws(CallError) in try decode(valid) } == nil)
    for _ in 0..<20_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) { bytes.removeLast(.random(in: 0...bytes.count, using: &generator)) }
      // Whatever comes of it, it comes as a value or as a CallError.
      _ = refusal { () throws(CallError) in try decode(bytes) }
      arena.reset()
    }
  }
}

/// A generator with a seed, so that a failure comes again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
