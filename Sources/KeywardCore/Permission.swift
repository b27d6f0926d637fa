/// The one channel a key opens. It never changes.
public enum Permission: UInt8, Sendable, CaseIterable {
  case chat = 1
  case secureMail = 2

  /// The name people use, in commands and messages: `chat`, `secure-mail`.
  public var name: String {
    switch self {
    case .chat: "chat"
    case .secureMail: "secure-mail"
    }
  }

  public init?(name: String) {
    guard let permission = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = permission
  }

  /// What the secrets of such keys begin with: 8 bytes.
  var secretPrefix: StaticString {
    switch self {
    case .chat: "kw_chat_"
    case .secureMail: "kw_mail_"
    }
  }

  /// The CRC-32 of ``secretPrefix``, with which each checksum of a secret begins.
  var prefixChecksum: UInt32 {
    switch self {
    case .chat: 0xE526_B4F2
    case .secureMail: 0xAB16_8CF8
    }
  }

  /// Whether secrets that begin so are for this permission.
  func isPrefix(of secret: UnsafeRawBufferPointer) -> Bool {
    guard secret.count >= Secret.prefixCount else { return false }
    // All eight bytes at once.
    return secret.loadUnaligned(as: UInt64.self)
      == UnsafeRawPointer(secretPrefix.utf8Start).loadUnaligned(as: UInt64.self)
  }
}
