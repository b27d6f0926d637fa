/// What a peer may do. Held by users and groups, and by root and the daemon's own user without being granted.
public struct Rights: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// List, search, counts.
  public static let canView = Rights(rawValue: 1 << 0)
  /// One key's details, watch.
  public static let canRead = Rights(rawValue: 1 << 1)
  /// Create, copy, import.
  public static let canCreate = Rights(rawValue: 1 << 2)
  /// Change, enable, disable, expire, revoke, rotate.
  public static let canUpdate = Rights(rawValue: 1 << 3)
  /// Delete, undelete.
  public static let canDelete = Rights(rawValue: 1 << 4)
  public static let canValidateChat = Rights(rawValue: 1 << 5)
  public static let canValidateSecureMail = Rights(rawValue: 1 << 6)
  /// The audit's events.
  public static let canAudit = Rights(rawValue: 1 << 7)
  /// Status, backup, reload.
  public static let canOperate = Rights(rawValue: 1 << 8)

  public static let canValidate: Rights = [.canValidateChat, .canValidateSecureMail]

  public static let all: Rights = [
    .canView, .canRead, .canCreate, .canUpdate, .canDelete, .canValidate, .canAudit, .canOperate,
  ]

  /// The right that validating for a permission takes.
  public static func validating(_ permission: Permission) -> Rights {
    switch permission {
    case .chat: .canValidateChat
    case .secureMail: .canValidateSecureMail
    }
  }

  private static let named: [(Rights, String)] = [
    (.canView, "canView"), (.canRead, "canRead"), (.canCreate, "canCreate"), (.canUpdate, "canUpdate"),
    (.canDelete, "canDelete"), (.canValidate, "canValidate"), (.canValidateChat, "canValidate:chat"),
    (.canValidateSecureMail, "canValidate:secure-mail"), (.canAudit, "canAudit"), (.canOperate, "canOperate"),
  ]

  /// Every name that the configuration may use.
  public static let everyName = named.map(\.1)

  /// The right, or for `canValidate` both rights, of a name that the configuration uses.
  public init?(name: String) {
    guard let (right, _) = Self.named.first(where: { $0.1 == name }) else { return nil }
    self = right
  }

  /// The rights by the names that the configuration uses; both halves of `canValidate` are said as one.
  public var names: [String] {
    var left = self
    return Self.named.compactMap { right, name in
      guard left.isSuperset(of: right) else { return nil }
      left.subtract(right)
      return name
    }
  }
}
