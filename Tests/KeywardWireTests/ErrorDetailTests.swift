import CKeywardProto
import KeywardCore
import KeywardWire
import Testing

/// What a failed call tells a program besides its code: in ttrpc's status, and in gRPC's.
@Suite struct ErrorDetailTests {
  private let arena = Arena()

  /// What a ttrpc client makes of an error.
  private func received(_ error: CallError) throws -> CallError {
    var output = ByteBuffer()
    TTRPCEnvelope.append(error, stream: 1, to: &output, in: arena)
    let data = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.byteCount...])
    guard case .failure(let received) = try TTRPCEnvelope.decode(data, of: .whoAmI, in: arena) else {
      throw CallError(.internal, "no failure")
    }
    return received
  }

  @Test func `Every reason arrives`() throws {
    for reason in ErrorReason.allCases {
      let error = CallError(.internal, "words", reason: reason)
      #expect(try received(error) == error)
    }
  }

  @Test func `A wrong field is told apart from what is wrong with it`() throws {
    let error = try received(CallError(field: "key.name", "is empty: give 1 to 128 characters"))
    #expect(error.code == .invalidArgument)
    #expect(error.reason == .fieldInvalid)
    #expect(error.message == "key.name is empty: give 1 to 128 characters")
    #expect(error.violations.map(\.field) == ["key.name"])
    #expect(error.violations.map(\.text) == ["is empty: give 1 to 128 characters"])
    #expect(error.retrySeconds == nil)
  }

  @Test func `Where waiting helps, it is told how long`() throws {
    #expect(try received(.tooManyWaiting("wait", retrySeconds: 60)).retrySeconds == 60)
    #expect(try received(CallError(.unavailable("the disk failed"))).retrySeconds == 1)
    #expect(try received(CallError(.exhausted("full"))).retrySeconds == 60)
  }

  @Test(arguments: [
    (DomainError.invalid(field: "name", "is empty"), ErrorReason.fieldInvalid), (.notFound("x"), .notFound),
    (.alreadyExists("x"), .alreadyExists), (.denied("x"), .rightMissing), (.exhausted("x"), .storeFull),
    (.tooLarge("x"), .tooLarge), (.outOfRange("x", oldest: 1, newest: 2), .revisionOutOfRange),
    (.crowded("x", retrySeconds: 1), .tooManyWaiting), (.aborted("x"), .changedMeanwhile),
    (.precondition("x"), .keyStateForbids), (.unavailable("x"), .storeUnavailable),
    (.unimplemented("x"), .methodUnknown), (.internal("x"), .fault),
  ])
  func `Each refusal of the domain has its reason`(error: DomainError, reason: ErrorReason) {
    #expect(CallError(error).reason == reason)
  }

  @Test func `Revisions go with an error`() throws {
    let error = CallError(
      .resourceExhausted, "words", reason: .tooFarBehind, revisions: [.resume: .max, .oldest: 0, .newest: 7])
    #expect(try received(error) == error)
    #expect(try received(CallError(.outOfRange("x", oldest: 3, newest: 9))).revisions == [.oldest: 3, .newest: 9])
  }

  @Test func `gRPC's details are the bytes of ttrpc's status`() throws {
    let error = CallError(field: "name", "is empty")
    let bytes = try StatusMessage.bytes(of: error, in: arena)
    var output = ByteBuffer()
    TTRPCEnvelope.append(error, stream: 1, to: &output, in: arena)
    // The response is the status alone: a tag and a length of two bytes.
    #expect(Array(output.bytes.dropFirst(FrameHeader.byteCount + 3)) == bytes)
  }
}
