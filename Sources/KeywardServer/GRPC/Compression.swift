import KeywardWire

/// How the messages of a request are compressed, where their prefix says that they are.
enum Compression {
  case identity

  /// The names of all, for `grpc-accept-encoding`.
  static let names: StaticString = "identity"

  /// - Returns: nil for one that is not known.
  init?(_ name: UnsafeRawBufferPointer) {
    guard name.equals("identity") else { return nil }
    self = .identity
  }
}
