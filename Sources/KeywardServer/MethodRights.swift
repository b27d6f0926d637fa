import KeywardCore
import KeywardWire

/// What a peer needs to call each method.
extension Method {
  var right: Rights {
    switch self {
    case .validateKey, .validateKeys: .canValidate
    case .getKey, .watchKeys: .canRead
    case .listKeys: .canView
    case .createKey, .copyKey, .importKeys: .canCreate
    case .updateKey, .revokeKey, .rotateKey, .batchUpdateKeys, .batchRevokeKeys: .canUpdate
    case .deleteKey, .undeleteKey, .batchDeleteKeys: .canDelete
    case .listAuditEvents, .verifyAudit: .canAudit
    case .getStatus, .reload: .canOperate
    case .whoAmI: []
    }
  }

  /// Whether a part of the right lets a peer in; which part it takes is then seen from the request.
  var takesPartOfRight: Bool { right == .canValidate }

  /// Whether its reply may be long, or its request hold very many keys, so that one connection may have few at once.
  var isLarge: Bool {
    switch self {
    case .listKeys, .listAuditEvents, .importKeys, .batchUpdateKeys, .batchRevokeKeys, .batchDeleteKeys: true
    case .validateKey, .validateKeys, .createKey, .getKey, .updateKey, .revokeKey, .deleteKey, .undeleteKey, .copyKey,
      .rotateKey, .watchKeys, .verifyAudit, .getStatus, .whoAmI, .reload:
      false
    }
  }
}
