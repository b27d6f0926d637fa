import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `KeyService.UpdateKey`: by AIP-134, the key has the new values and the mask says which of them
/// count.
enum UpdateKeyMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__update_key_request__unpack).pointee
    guard let key = fields.key?.pointee else {
      throw CallError(field: "key", "is missing: give one with its id and the new values")
    }
    let id = try key.id.keyID("key.id")
    return .change(
      ChangeRequest(.update(id, try update(to: key, fields.update_mask)), etag: try key.etag.etag()))
  }

  /// What a mask and a key with new values ask for.
  /// - Parameter isOfMany: whether it is to be of several keys, of which no two may have one name.
  static func update(
    to key: Keyward__V1__Key, _ mask: UnsafeMutablePointer<Google__Protobuf__FieldMask>?, isOfMany: Bool = false
  ) throws(CallError) -> KeyUpdate {
    try checkTexts(of: key)
    let paths = try paths(mask, choice: Path.choice(isOfMany: isOfMany))
    let name = paths.contains(.name) ? try newName(key.name) : nil
    let expireTime = paths.contains(.expireTime) ? try instant(key.expire_time, "key.expire_time") : nil
    return KeyUpdate(
      name: name, enabled: paths.contains(.enabled) ? key.enabled != 0 : nil,
      expiry: paths.contains(.expireTime) ? expireTime.map { .at($0) } ?? .never : nil,
      rateLimit: paths.contains(.rateLimit) ? .init(try rateLimit(key.rate_limit)) : nil,
      useLimit: paths.contains(.useLimit) ? .init(try useLimit(key.use_limit)) : nil)
  }

  static func encodeRequest(
    _ id: KeyID, _ update: KeyUpdate, etag: Revision?, in arena: Arena
  ) throws(CallError) -> Message {
    let key = try arena.make(keyward__v1__key__init)
    key.pointee.id = try arena.data(id)
    key.pointee.etag = try arena.data(etag: etag)
    let message = try arena.make(keyward__v1__update_key_request__init)
    message.pointee.key = key
    message.pointee.update_mask = try mask(of: update, valuesIn: key, in: arena)
    return Message(message)
  }

  /// Puts an update's values into a key.
  /// - Returns: the mask that names them.
  static func mask(
    of update: KeyUpdate, valuesIn key: UnsafeMutablePointer<Keyward__V1__Key>, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Google__Protobuf__FieldMask> {
    var paths: [Path] = []
    if let name = update.name {
      paths.append(.name)
      key.pointee.name = try arena.data(name.text)
    }
    if let enabled = update.enabled {
      paths.append(.enabled)
      key.pointee.enabled = enabled ? 1 : 0
    }
    if let expiry = update.expiry {
      paths.append(.expireTime)
      if case .at(let time) = expiry { key.pointee.expire_time = try arena.timestamp(time) }
    }
    if let limit = update.rateLimit {
      paths.append(.rateLimit)
      key.pointee.rate_limit = try arena.rateLimit(limit.value)
    }
    if let limit = update.useLimit {
      paths.append(.useLimit)
      key.pointee.use_limit = try arena.useLimit(limit.value)
    }
    let mask = try arena.make(google__protobuf__field_mask__init)
    mask.pointee.paths = try arena.array(paths) { (path) throws(CallError) in try arena.data(path.rawValue) }
    mask.pointee.n_paths = paths.count
    return mask
  }

  static func encodeReply(_ key: KeyView, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__update_key_response__init)
    message.pointee.key = try KeyMessage.encode(key, in: arena)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__update_key_response__unpack).pointee
    return .changed(.updateKey, try KeyMessage.decode(fields.key), nil, revision: fields.revision)
  }
}

extension UpdateKeyMessages {
  /// What may be changed.
  private enum Path: String, CaseIterable {
    case name
    case enabled
    case expireTime = "expire_time"
    case rateLimit = "rate_limit"
    case useLimit = "use_limit"

    static func choice(isOfMany: Bool) -> String {
      "give " + allCases.filter { !isOfMany || $0 != .name }.map(\.rawValue).joined(separator: ", ")
    }
  }

  private static func paths(
    _ mask: UnsafeMutablePointer<Google__Protobuf__FieldMask>?, choice: String
  ) throws(CallError) -> Set<Path> {
    var paths: Set<Path> = []
    if let mask = mask?.pointee {
      for text in UnsafeBufferPointer(start: mask.paths, count: mask.n_paths) {
        let text = try text.text("update_mask")
        guard let path = Path(rawValue: text) else { throw refusal(of: text, choice) }
        paths.insert(path)
      }
    }
    guard !paths.isEmpty else { throw CallError(field: "update_mask", "is empty: \(choice)") }
    return paths
  }

  private static func refusal(of path: String, _ choice: String) -> CallError {
    let reason: String
    switch path {
    case "permission": reason = "a key's permission never changes"
    case "revoke_time", "revoke_reason": reason = "RevokeKey sets it"
    case "delete_time", "purge_time": reason = "DeleteKey and UndeleteKey set it"
    case "id", "state", "availability", "hint", "creator", "create_time", "updater", "update_time", "last_used_time",
      "etag", "usage", "former_secret_end_times":
      reason = "it is given by the server"
    // What a peer makes up is not repeated at any length.
    default: reason = "there is no such field to change"
    }
    let shown = String(path.unicodeScalars.prefix(128))
    return CallError(field: "update_mask", "holds \"\(shown)\", and \(reason): \(choice)")
  }

  private static func newName(_ field: ProtobufCBinaryData) throws(CallError) -> KeyName {
    let text = try field.text("key.name")
    return try checked { () throws(DomainError) in try KeyName(text) }
  }

  /// Texts that no mask names are not looked at further, but text they must be.
  private static func checkTexts(of key: Keyward__V1__Key) throws(CallError) {
    try key.name.checkText("key.name")
    try key.revoke_reason.checkText("key.revoke_reason")
    try key.hint.checkText("key.hint")
    try key.creator.checkText("key.creator")
    try key.updater.checkText("key.updater")
    try key.etag.checkText("key.etag")
  }
}
