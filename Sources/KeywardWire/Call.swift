package import KeywardCore

/// A request as the handlers take it: values of the domain, nothing of the wire.
package enum Request: Sendable {
  case validateKey(PresentedSecret, Permission)
  case createKey(CreateKey)
  case getKey(KeySelector)
  case listKeys(ListQuery)
  case getStatus
  case whoAmI
  case reload
}

/// A reply as the handlers give it.
package enum Reply: Sendable {
  case validateKey(Validation)
  case createKey(KeyView, Secret)
  case getKey(KeyView)
  case listKeys(KeyPage)
  case getStatus(ServiceStatus)
  case whoAmI(Identity)
  case reload
}

/// A request as the client gives it; of ``Request`` it differs in holding the secret itself.
package enum OutgoingRequest: Sendable {
  case validateKey(Secret, Permission)
  case createKey(CreateKey)
  case getKey(KeySelector)
  case listKeys(ListQuery)
  case getStatus
  case whoAmI
  case reload

  package var method: Method {
    switch self {
    case .validateKey: .validateKey
    case .createKey: .createKey
    case .getKey: .getKey
    case .listKeys: .listKeys
    case .getStatus: .getStatus
    case .whoAmI: .whoAmI
    case .reload: .reload
    }
  }
}
