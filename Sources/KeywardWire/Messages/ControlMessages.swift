import CKeywardProto
import KeywardCore

/// The messages of `ControlService.GetStatus`.
enum GetStatusMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    _ = try arena.unpack(payload, keyward__v1__get_status_request__unpack)
    return .getStatus
  }

  static func encodeRequest(in arena: Arena) throws(CallError) -> Message {
    Message(try arena.make(keyward__v1__get_status_request__init))
  }

  static func encodeReply(_ status: ServiceStatus, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__get_status_response__init)
    message.pointee.version = try arena.data(status.version)
    message.pointee.pid = status.pid
    message.pointee.start_time = try arena.timestamp(status.startTime)
    message.pointee.current_time = try arena.timestamp(status.currentTime)
    message.pointee.revision = status.revision
    message.pointee.key_count = Int64(status.keyCount)
    message.pointee.connection_count = Int64(status.connectionCount)
    message.pointee.call_count = Int64(status.callCount)
    message.pointee.refused_call_count = Int64(status.refusedCallCount)
    message.pointee.audit_hash = try arena.data(status.auditHead.hashText)
    message.pointee.audit_revision = status.auditHead.revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__get_status_response__unpack).pointee
    let status = ServiceStatus(
      version: try fields.version.text("version"), pid: fields.pid,
      startTime: try requiredInstant(fields.start_time, "start_time"),
      currentTime: try requiredInstant(fields.current_time, "current_time"), revision: fields.revision,
      keyCount: Int(fields.key_count), connectionCount: Int(fields.connection_count),
      callCount: Int(fields.call_count), refusedCallCount: Int(fields.refused_call_count),
      auditHead: try AuditHead.received(fields.audit_hash, revision: fields.audit_revision))
    return .getStatus(status)
  }
}

/// The messages of `ControlService.WhoAmI`.
enum WhoAmIMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    _ = try arena.unpack(payload, keyward__v1__who_am_irequest__unpack)
    return .whoAmI
  }

  static func encodeRequest(in arena: Arena) throws(CallError) -> Message {
    Message(try arena.make(keyward__v1__who_am_irequest__init))
  }

  static func encodeReply(
    _ identity: Identity, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__who_am_iresponse__init)
    let peer = identity.peer
    message.pointee.uid = peer.uid
    message.pointee.user = try arena.data(identity.user)
    message.pointee.gids = try arena.array(peer.gids) { $0 }
    message.pointee.n_gids = peer.gids.count
    message.pointee.pid = peer.pid
    let names = identity.rights.names
    message.pointee.rights = try arena.array(names) { (name) throws(CallError) in try arena.data(name) }
    message.pointee.n_rights = names.count
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__who_am_iresponse__unpack).pointee
    let peer = Peer(
      uid: fields.uid, gids: Array(UnsafeBufferPointer(start: fields.gids, count: fields.n_gids)), pid: fields.pid)
    var rights: Rights = []
    for name in UnsafeBufferPointer(start: fields.rights, count: fields.n_rights) {
      // A right that a newer daemon knows and this does not is left out.
      rights.formUnion(Rights(name: try name.text("rights")) ?? [])
    }
    return .whoAmI(
      Identity(peer: peer, user: try fields.user.text("user"), rights: rights), revision: fields.revision)
  }
}
