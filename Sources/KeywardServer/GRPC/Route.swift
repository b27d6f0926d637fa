import KeywardCore
import KeywardWire

/// What a path of gRPC leads to.
enum Route {
  /// A method of keyward's that answers once.
  case unary(Method)
  /// ``Method/watchKeys``.
  case watchKeys
  case healthCheck
  case healthWatch
  /// Answers each message with one.
  case reflection

  private static let others: [(path: StaticString, route: Route)] = [
    ("/grpc.health.v1.Health/Check", .healthCheck),
    ("/grpc.health.v1.Health/Watch", .healthWatch),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", .reflection),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", .reflection),
  ]

  /// - Returns: nil for a path that leads nowhere.
  init?(path: UnsafeRawBufferPointer) {
    if let method = Method(path: path) {
      self = method.isStream ? .watchKeys : .unary(method)
    } else if let other = Self.others.first(where: { path.equals($0.path) }) {
      self = other.route
    } else {
      return nil
    }
  }

  /// The method of keyward's, whose right it takes.
  var method: Method? {
    switch self {
    case .unary(let method): method
    case .watchKeys: .watchKeys
    case .healthCheck, .healthWatch, .reflection: nil
    }
  }

  /// Whether the peer sends any number of messages, and for as long as it likes.
  var takesStream: Bool { if case .reflection = self { true } else { false } }

  /// Whether its message may have to be longer than those of most methods.
  var takesLargeMessages: Bool {
    switch self {
    case .unary(.importKeys), .unary(.batchUpdateKeys), .unary(.batchRevokeKeys), .unary(.batchDeleteKeys): true
    default: false
    }
  }

  /// Whether its call is of those of which one connection may have few at once.
  var isLarge: Bool { if case .unary(let method) = self { method.isLarge } else { false } }
}
