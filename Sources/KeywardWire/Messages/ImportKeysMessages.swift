import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `KeyService.ImportKeys`.
enum ImportKeysMessages {
  /// The secrets are shortened to digests and hints here, and left behind in the arena.
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__import_keys_request__unpack).pointee
    let options = ImportOptions(
      skipExisting: fields.skip_existing != 0, validateOnly: fields.validate_only != 0,
      requestID: try fields.request_id.requestID(), portion: try portion(fields))
    var keys: [ImportKey] = []
    // What is over the limit is refused below, and not looked at.
    let count = min(fields.n_keys, ImportKeys.maxCount + 1)
    keys.reserveCapacity(count)
    for (index, entry) in UnsafeBufferPointer(start: fields.keys, count: count).enumerated() {
      guard let entry = entry?.pointee else { continue }
      do throws(CallError) {
        keys.append(try key(entry))
      } catch {
        throw error.ofEntry("keys[\(index)]", separator: ".")
      }
    }
    return .importKeys(try checked { () throws(DomainError) in try ImportKeys(keys, options) })
  }

  /// nil where the call is the whole import.
  private static func portion(_ fields: Keyward__V1__ImportKeysRequest) throws(CallError) -> ImportPortion? {
    let id = try fields.upload_id.text("upload_id")
    let hasMore = fields.more != 0
    guard !id.isEmpty || fields.portion != 0 || hasMore else { return nil }
    return try checked { () throws(DomainError) in
      try ImportPortion(UploadID(id), number: Int(fields.portion), hasMore: hasMore)
    }
  }

  private static func key(_ fields: Keyward__V1__ImportedKey) throws(CallError) -> ImportKey {
    let name = try fields.name.text("name")
    let permission = try permission(fields.permission)
    let credential = try credential(fields, for: permission)
    let expireTime = try instant(fields.expire_time, "expire_time")
    let creator = try fields.creator.text("creator")
    let (rateLimit, useLimit) = (try rateLimit(fields.rate_limit), try useLimit(fields.use_limit))
    return try checked { () throws(DomainError) in
      try ImportKey(
        name: try KeyName(name), permission: permission, credential: credential, expireTime: expireTime,
        creator: creator, enabled: fields.disabled == 0, rateLimit: rateLimit, useLimit: useLimit)
    }
  }

  private static func credential(
    _ fields: Keyward__V1__ImportedKey, for permission: Permission
  ) throws(CallError) -> ImportCredential {
    switch fields.credential_case {
    case KEYWARD__V1__IMPORTED_KEY__CREDENTIAL_SECRET:
      try fields.secret.checkText("secret")
      return try checked { () throws(DomainError) in
        try ImportCredential(secret: fields.secret.bytes, for: permission)
      }
    case KEYWARD__V1__IMPORTED_KEY__CREDENTIAL_SHA256:
      guard let digest = Digest(bytes: fields.sha256.bytes) else {
        throw CallError(
          field: "sha256", "has \(fields.sha256.len) bytes: give the \(Digest.byteCount) of SHA-256")
      }
      return try checked { () throws(DomainError) in try ImportCredential(digest: digest) }
    default: throw CallError(field: "secret", "is missing: give the secret or its SHA-256")
    }
  }

  static func encodeRequest(
    _ keys: [KeyToImport], _ options: ImportOptions, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__import_keys_request__init)
    message.pointee.keys = try arena.array(keys) { (key) throws(CallError) in try encode(key, in: arena) }
    message.pointee.n_keys = keys.count
    message.pointee.skip_existing = options.skipExisting ? 1 : 0
    message.pointee.validate_only = options.validateOnly ? 1 : 0
    message.pointee.request_id = try arena.data(options.requestID?.text ?? "")
    if let portion = options.portion {
      message.pointee.upload_id = try arena.data(portion.uploadID.text)
      message.pointee.portion = Int32(clamping: portion.number)
      message.pointee.more = portion.hasMore ? 1 : 0
    }
    return Message(message)
  }

  private static func encode(
    _ imported: KeyToImport, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__ImportedKey>? {
    let key = imported.key
    let message = try arena.make(keyward__v1__imported_key__init)
    message.pointee.name = try arena.data(key.name.text)
    message.pointee.permission = key.permission.message
    message.pointee.expire_time = try arena.timestamp(key.expireTime)
    message.pointee.creator = try arena.data(key.creator)
    message.pointee.disabled = key.enabled ? 0 : 1
    message.pointee.rate_limit = try arena.rateLimit(key.rateLimit)
    message.pointee.use_limit = try arena.useLimit(key.useLimit)
    if let secret = imported.secret {
      message.pointee.credential_case = KEYWARD__V1__IMPORTED_KEY__CREDENTIAL_SECRET
      message.pointee.secret = try arena.data(secret)
    } else {
      message.pointee.credential_case = KEYWARD__V1__IMPORTED_KEY__CREDENTIAL_SHA256
      let bytes = key.credential.digest.withUnsafeBytes { Array($0) }
      let copy = UnsafeMutableRawBufferPointer(start: try arena.allocate(bytes.count), count: bytes.count)
      copy.copyBytes(from: bytes)
      message.pointee.sha256 = ProtobufCBinaryData(
        len: bytes.count, data: copy.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    return message
  }

  static func encodeReply(_ outcome: ImportOutcome, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__import_keys_response__init)
    message.pointee.imported_count = Int64(outcome.importedCount)
    message.pointee.skipped_count = Int64(outcome.skippedCount)
    message.pointee.revision = outcome.revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__import_keys_response__unpack).pointee
    return .importKeys(
      ImportOutcome(
        importedCount: Int(fields.imported_count), skippedCount: Int(fields.skipped_count), revision: fields.revision))
  }
}
