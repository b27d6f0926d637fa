/// Keys of another system to take over, all of them or none; or a portion of an ``ImportUpload`` of more.
public struct ImportKeys: Sendable, Equatable {
  public let keys: [ImportKey]
  public let options: ImportOptions

  /// How many keys one call may hold.
  public static let maxCount = 10_000

  /// - Throws: ``DomainError/invalid(field:_:)`` for no key at all, and for too many.
  public init(_ keys: [ImportKey], _ options: ImportOptions = ImportOptions()) throws(DomainError) {
    guard (1...Self.maxCount).contains(keys.count) else {
      throw .invalid(field: "keys", "has \(keys.count) entries: give 1 to \(Self.maxCount)")
    }
    self.keys = keys
    self.options = options
  }
}

/// How to take keys over.
public struct ImportOptions: Sendable, Equatable {
  /// Whether keys whose name or secret is here already are left out; else they make the import fail.
  public var skipExisting: Bool
  /// Whether only to tell what would become of it.
  public var validateOnly: Bool
  /// As in ``ChangeRequest/requestID``.
  public var requestID: RequestID?
  /// Which part of an upload the keys are; nil where they are all there is.
  public var portion: ImportPortion?

  public init(
    skipExisting: Bool = false, validateOnly: Bool = false, requestID: RequestID? = nil, portion: ImportPortion? = nil
  ) {
    self.skipExisting = skipExisting
    self.validateOnly = validateOnly
    self.requestID = requestID
    self.portion = portion
  }
}

/// Which part of an upload one call holds.
public struct ImportPortion: Sendable, Equatable {
  public let uploadID: UploadID
  /// From 0.
  public let number: Int
  /// Whether another one follows.
  public let hasMore: Bool

  /// - Throws: ``DomainError/invalid(field:_:)`` for a number below 0.
  public init(_ uploadID: UploadID, number: Int, hasMore: Bool) throws(DomainError) {
    guard number >= 0 else {
      throw .invalid(field: "portion", "is \(number): the portions of an upload are counted from 0")
    }
    self.uploadID = uploadID
    self.number = number
    self.hasMore = hasMore
  }
}

/// A peer's name for one upload: 1 to 128 code points.
public struct UploadID: Sendable, Hashable {
  public let text: String

  /// - Throws: ``DomainError/invalid(field:_:)``.
  public init(_ given: String) throws(DomainError) {
    guard !given.isEmpty else {
      throw .invalid(field: "upload_id", "is empty, and there is a portion or more: name the upload they belong to")
    }
    text = try Annotation.checked(given, field: "upload_id", maxCount: RequestID.maxCount)
  }
}

/// One key to take over.
public struct ImportKey: Sendable, Equatable {
  public let name: KeyName
  public let permission: Permission
  public let credential: ImportCredential
  /// nil means never. It may have passed: the key is taken over as an expired one, so that its holder is told so.
  public let expireTime: Instant?
  /// Who made it there; empty for whoever imports it.
  public let creator: String
  public let enabled: Bool
  /// nil means none.
  public let rateLimit: RateLimit?
  /// nil means none.
  public let useLimit: UseLimit?

  public static let maxCreatorCount = 128

  /// - Throws: ``DomainError/invalid(field:_:)`` for a creator that cannot be one.
  public init(
    name: KeyName, permission: Permission, credential: ImportCredential, expireTime: Instant? = nil,
    creator: String = "", enabled: Bool = true, rateLimit: RateLimit? = nil, useLimit: UseLimit? = nil
  ) throws(DomainError) {
    try name.checkIsNoID()
    self.name = name
    self.permission = permission
    self.credential = credential
    self.expireTime = expireTime
    self.creator = try Annotation.checked(creator, field: "creator", maxCount: Self.maxCreatorCount)
    self.enabled = enabled
    self.rateLimit = rateLimit
    self.useLimit = useLimit
  }
}

/// What of an imported key's secret is kept.
public struct ImportCredential: Sendable, Equatable {
  public let digest: Digest
  /// What tells the secret apart without giving it away.
  public let hint: String

  /// A secret in whatever form.
  /// - Throws: ``DomainError/invalid(field:_:)`` for one that no validation would ever find good.
  public init(secret: UnsafeRawBufferPointer, for permission: Permission) throws(DomainError) {
    guard !secret.isEmpty else { throw .invalid(field: "secret", "is empty: give the secret or its SHA-256") }
    guard secret.count <= PresentedSecret.maxByteCount else {
      throw .invalid(
        field: "secret",
        "has \(secret.count) bytes: secrets of more than \(PresentedSecret.maxByteCount) are never good")
    }
    // A text on the wire holds none, so nobody could present it.
    guard !secret.contains(0) else {
      throw .invalid(field: "secret", "holds a NUL character, which nobody can present")
    }
    guard case .digest(let digest) = PresentedSecret(secret) else {
      throw .invalid(
        field: "secret", "begins with \"kw_\" and is none that keyward made: its form or checksum is wrong")
    }
    let isOurs = PresentedSecret.isOurs(secret)
    if isOurs, !permission.isPrefix(of: secret) {
      throw .invalid(field: "secret", "was made for another permission than \(permission.name)")
    }
    self.digest = digest
    hint = isOurs ? Self.hint(secret, first: Secret.prefixCount) : Self.foreignHint(secret)
  }

  /// A secret that is known by its SHA-256 alone. Its hint says nothing more.
  /// - Throws: ``DomainError/invalid(field:_:)`` for that of the empty text, which is no secret.
  public init(digest: Digest) throws(DomainError) {
    guard digest != .ofNothing else {
      throw .invalid(field: "sha256", "is that of the empty text, which is no secret: give that of the secret")
    }
    self.digest = digest
    hint = "sha256…"
  }

  /// At least twelve characters stay hidden, and of a short secret all of them; so do characters that do not stand for
  /// themselves.
  private static func foreignHint(_ secret: UnsafeRawBufferPointer) -> String {
    let first = secret.count >= 24 ? 8 : 4
    guard secret.count >= 20,
      (Array(secret.prefix(first)) + secret.suffix(4)).allSatisfy({ (0x21...0x7E).contains($0) })
    else { return "…" }
    return hint(secret, first: first)
  }

  private static func hint(_ secret: UnsafeRawBufferPointer, first: Int) -> String {
    String(decoding: secret.prefix(first), as: UTF8.self) + "…" + String(decoding: secret.suffix(4), as: UTF8.self)
  }
}

/// A key to take over with its secret, as far as that is known: what a client sends.
public struct KeyToImport: Sendable {
  public let key: ImportKey
  /// nil where only its SHA-256 is known.
  public let secret: Secret?

  public init(_ key: ImportKey, secret: Secret?) {
    self.key = key
    self.secret = secret
  }
}

/// What an import came to.
public struct ImportOutcome: Sendable, Equatable {
  public let importedCount: Int
  /// Keys that were left out because they were here already.
  public let skippedCount: Int
  /// The store's revision with the import, or where nothing was imported, at the time.
  public let revision: Revision

  public init(importedCount: Int, skippedCount: Int, revision: Revision) {
    self.importedCount = importedCount
    self.skippedCount = skippedCount
    self.revision = revision
  }
}
