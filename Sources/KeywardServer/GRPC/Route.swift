import KeywardWire

/// What a path of gRPC leads to.
enum Route {
  /// A method of keyward's that answers once.
  case unary(Method)

  /// - Returns: nil for a path that leads nowhere.
  init?(path: UnsafeRawBufferPointer) {
    guard let method = Method(path: path) else { return nil }
    self = .unary(method)
  }
}
