import Glibc

/// The methods that are built. A call of any other is answered with UNIMPLEMENTED.
package enum Method: Sendable, CaseIterable {
  // The one that nearly every call is for comes first: methods are looked for in this order.
  case validateKey
  case validateKeys
  case createKey
  case getKey
  case listKeys
  case updateKey
  case revokeKey
  case deleteKey
  case undeleteKey
  case batchUpdateKeys
  case batchRevokeKeys
  case batchDeleteKeys
  case copyKey
  case rotateKey
  case importKeys
  case watchKeys
  case listAuditEvents
  case verifyAudit
  case getStatus
  case whoAmI
  case reload

  package var service: StaticString {
    switch self {
    case .validateKey, .validateKeys: "keyward.v1.ValidationService"
    case .createKey, .getKey, .listKeys, .updateKey, .revokeKey, .deleteKey, .undeleteKey, .copyKey, .rotateKey,
      .batchUpdateKeys, .batchRevokeKeys, .batchDeleteKeys, .importKeys, .watchKeys, .listAuditEvents, .verifyAudit:
      "keyward.v1.KeyService"
    case .getStatus, .whoAmI, .reload: "keyward.v1.ControlService"
    }
  }

  package var name: StaticString {
    switch self {
    case .validateKey: "ValidateKey"
    case .validateKeys: "ValidateKeys"
    case .createKey: "CreateKey"
    case .getKey: "GetKey"
    case .listKeys: "ListKeys"
    case .updateKey: "UpdateKey"
    case .revokeKey: "RevokeKey"
    case .deleteKey: "DeleteKey"
    case .undeleteKey: "UndeleteKey"
    case .batchUpdateKeys: "BatchUpdateKeys"
    case .batchRevokeKeys: "BatchRevokeKeys"
    case .batchDeleteKeys: "BatchDeleteKeys"
    case .copyKey: "CopyKey"
    case .rotateKey: "RotateKey"
    case .importKeys: "ImportKeys"
    case .watchKeys: "WatchKeys"
    case .listAuditEvents: "ListAuditEvents"
    case .verifyAudit: "VerifyAudit"
    case .getStatus: "GetStatus"
    case .whoAmI: "WhoAmI"
    case .reload: "Reload"
    }
  }

  /// Whether it is answered with any number of messages, which gRPC alone carries.
  package var isStream: Bool { if case .watchKeys = self { true } else { false } }

  init?(service: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer) {
    for method in Self.allCases where name.equals(method.name) && service.equals(method.service) {
      self = method
      return
    }
    return nil
  }

  /// The method that a path of gRPC names: `/` and the service, `/` and the method.
  package init?(path: UnsafeRawBufferPointer) {
    guard path.first == UInt8(ascii: "/"), let slash = path.dropFirst().firstIndex(of: UInt8(ascii: "/")) else {
      return nil
    }
    self.init(
      service: UnsafeRawBufferPointer(rebasing: path[1..<slash]),
      name: UnsafeRawBufferPointer(rebasing: path[(slash + 1)...]))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount, let baseAddress else { return false }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}
