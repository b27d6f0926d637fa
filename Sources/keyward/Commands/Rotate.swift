import ArgumentParser
import KeywardCore

struct Rotate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Gives a key a new secret, which is shown once.",
    discussion: """
      The old secret stops working at once, or after --grace, but never later than the key does; until when is told \
      with the new one, and by show. Where standard output is no terminal, the new secret alone is written there, and \
      the rest to standard error.
      """)

  @Argument(help: "The key: its id or its exact name.", completion: .keys)
  var key: String

  @Option(
    help: ArgumentHelp(
      "How long the old secret stays good (default: not at all): 12h, 7d; also s, m, w, mo for months, y.",
      valueName: "span"),
    transform: { (text) throws in try Grace(text) })
  var grace: Grace = .none

  @OptionGroup var attempt: RequestIDOption
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if attempt.requestId != nil, grace.isOfMonths {
      throw ValidationError(
        "--grace counts months, which are not all alike, and with --request-id the same grace must be asked for each "
          + "time: give days")
    }
  }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let requestID = try attempt.requestID()
    let times = Times()
    let rotation = try judged { () throws(DomainError) in try RotateKey(graceSeconds: grace.seconds(now: times.now)) }
    return try SecretAnswer(remedy: "rotate it again", times: times, isRotation: true).perform(common, output) {
      [etag] (daemon) throws(CommandFailure) in
      ChangeRequest(.rotate(try daemon.id(of: reference), rotation), etag: etag.revision, requestID: requestID)
    }
  }
}

/// How long an old secret stays good, as a person says it.
struct Grace: Equatable {
  static let none = Grace(span: .seconds(0))

  private let span: Expiry

  /// Whether it is as long as months happen to be.
  var isOfMonths: Bool { if case .months = span { true } else { false } }

  private init(span: Expiry) {
    self.span = span
  }

  /// - Throws: ``ExpiryError`` for what is no span.
  init(_ text: String) throws(ExpiryError) {
    guard let span = try? Expiry(text) else { throw Self.noSpan }
    switch span {
    case .seconds, .months: self.span = span
    case .never, .endOf, .at: throw Self.noSpan
    }
  }

  func seconds(now: Instant) -> Int64 {
    switch span {
    case .seconds(let count): count
    case .months(let count): now.adding(months: count).seconds - now.seconds
    case .never, .endOf, .at: 0
    }
  }

  private static let noSpan = ExpiryError("is no span of time: give 12h, 7d; also s, m, w, mo for months, y")
}
