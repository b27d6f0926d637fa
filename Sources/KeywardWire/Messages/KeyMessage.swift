import CKeywardProto
import CProtobufC
import KeywardCore

/// `keyward.v1.Key`.
enum KeyMessage {
  static func encode(
    _ view: KeyView, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__Key> {
    let key = view.key
    let message = try arena.make(keyward__v1__key__init)
    message.pointee.id = try arena.data(key.id)
    message.pointee.name = try arena.data(key.name.text)
    message.pointee.permission = key.permission.message
    message.pointee.enabled = key.enabled ? 1 : 0
    message.pointee.expire_time = try arena.timestamp(key.expireTime)
    message.pointee.revoke_time = try arena.timestamp(key.revokeTime)
    message.pointee.revoke_reason = try arena.data(key.revokeReason)
    message.pointee.state = Keyward__V1__State(rawValue: UInt32(view.state.rawValue))
    message.pointee.availability = Keyward__V1__Availability(rawValue: UInt32(view.availability.rawValue))
    message.pointee.hint = try arena.data(key.hint)
    message.pointee.creator = try arena.data(key.creator)
    message.pointee.create_time = try arena.timestamp(key.createTime)
    message.pointee.updater = try arena.data(key.updater)
    message.pointee.update_time = try arena.timestamp(key.updateTime)
    message.pointee.last_used_time = try arena.timestamp(key.lastUsedTime)
    message.pointee.delete_time = try arena.timestamp(key.deleteTime)
    message.pointee.purge_time = try arena.timestamp(key.purgeTime)
    message.pointee.etag = try arena.data(String(key.revision))
    message.pointee.rate_limit = try arena.rateLimit(key.rateLimit)
    message.pointee.use_limit = try arena.useLimit(key.useLimit)
    message.pointee.usage = try arena.usage(view.usage)
    let ends = view.formerSecretEnds
    message.pointee.former_secret_end_times = try arena.array(ends) { (end) throws(CallError) in
      try arena.timestamp(end)
    }
    message.pointee.n_former_secret_end_times = ends.count
    return message
  }

  static func decode(_ message: UnsafeMutablePointer<Keyward__V1__Key>?) throws(CallError) -> KeyView {
    guard let fields = message?.pointee else { throw CallError(.invalidArgument, "key is missing") }
    guard let id = KeyID(try fields.id.text("key.id")),
      let state = UInt8(exactly: fields.state.rawValue).flatMap(State.init(rawValue:)),
      let availability = UInt8(exactly: fields.availability.rawValue).flatMap(Availability.init(rawValue:)),
      let revision = Revision(try fields.etag.text("key.etag"))
    else { throw CallError(.invalidArgument, "key has an id, a state, an availability or an etag that is not known") }
    let key = Key(
      id: id, name: KeyName(checked: try fields.name.text("key.name")), permission: try permission(fields.permission),
      enabled: fields.enabled != 0, expireTime: try instant(fields.expire_time, "key.expire_time"),
      revokeTime: try instant(fields.revoke_time, "key.revoke_time"),
      revokeReason: try fields.revoke_reason.text("key.revoke_reason"), hint: try fields.hint.text("key.hint"),
      creator: try fields.creator.text("key.creator"),
      createTime: try requiredInstant(fields.create_time, "key.create_time"),
      updater: try fields.updater.text("key.updater"),
      updateTime: try requiredInstant(fields.update_time, "key.update_time"),
      lastUsedTime: try instant(fields.last_used_time, "key.last_used_time"),
      deleteTime: try instant(fields.delete_time, "key.delete_time"),
      purgeTime: try instant(fields.purge_time, "key.purge_time"), revision: revision,
      rateLimit: try rateLimit(fields.rate_limit),
      useLimit: try useLimit(fields.use_limit))
    var ends: [Instant] = []
    for end in UnsafeBufferPointer(start: fields.former_secret_end_times, count: fields.n_former_secret_end_times) {
      ends.append(try requiredInstant(end, "key.former_secret_end_times"))
    }
    return KeyView(
      key: key, state: state, availability: availability, usage: try usage(fields.usage),
      formerSecretEnds: ends)
  }
}
