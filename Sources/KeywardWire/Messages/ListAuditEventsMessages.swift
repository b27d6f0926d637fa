import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `KeyService.ListAuditEvents`.
enum ListAuditEventsMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__list_audit_events_request__unpack).pointee
    let user = try fields.actor.text("actor")
    let query = AuditQuery(
      keyID: fields.key_id.len > 0 ? try fields.key_id.keyID("key_id") : nil, user: user.isEmpty ? nil : user,
      types: try types(UnsafeBufferPointer(start: fields.types, count: fields.n_types)),
      start: try instant(fields.start_time, "start_time"), end: try instant(fields.end_time, "end_time"))
    let token = try fields.page_token.text("page_token")
    return .listAuditEvents(
      try checked { () throws(DomainError) in
        try AuditPageQuery(query, pageSize: Int(fields.page_size), pageToken: token)
      })
  }

  static func encodeRequest(_ query: AuditPageQuery, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_audit_events_request__init)
    let events = query.events
    if let id = events.keyID { message.pointee.key_id = try arena.data(id) }
    message.pointee.actor = try arena.data(events.user ?? "")
    message.pointee.types = try arena.array(events.types.sorted { $0.rawValue < $1.rawValue }) { $0.message }
    message.pointee.n_types = events.types.count
    message.pointee.start_time = try arena.timestamp(events.start)
    message.pointee.end_time = try arena.timestamp(events.end)
    message.pointee.page_size = Int32(query.pageSize)
    message.pointee.page_token = try arena.data(query.pageToken)
    return Message(message)
  }

  static func encodeReply(_ page: AuditPage, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_audit_events_response__init)
    message.pointee.events = try arena.array(page.events) { (event) throws(CallError) in
      try encode(event, in: arena)
    }
    message.pointee.n_events = page.events.count
    message.pointee.next_page_token = try arena.data(page.nextPageToken)
    message.pointee.total_size = Int64(page.totalSize)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__list_audit_events_response__unpack).pointee
    var events: [AuditEventView] = []
    for case let message? in UnsafeBufferPointer(start: fields.events, count: fields.n_events) {
      events.append(try decode(message.pointee))
    }
    let token = try fields.next_page_token.text("next_page_token")
    return .listAuditEvents(
      AuditPage(events: events, nextPageToken: token, totalSize: Int(fields.total_size)), revision: fields.revision)
  }

  private static func encode(
    _ event: AuditEventView, in arena: Arena
  ) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__AuditEvent> {
    let message = try arena.make(keyward__v1__audit_event__init)
    message.pointee.revision = event.revision
    message.pointee.type = event.type.message
    message.pointee.event_time = try arena.timestamp(event.time)
    message.pointee.key_id = try arena.data(event.keyID)
    message.pointee.actor = try arena.data(event.actor.user)
    message.pointee.uid = event.actor.uid
    message.pointee.pid = event.actor.pid
    if let key = event.before { message.pointee.before = try KeyMessage.encode(key, in: arena) }
    if let key = event.after { message.pointee.after = try KeyMessage.encode(key, in: arena) }
    message.pointee.grace_end_time = try arena.timestamp(event.graceEnd)
    return message
  }

  private static func decode(_ fields: Keyward__V1__AuditEvent) throws(CallError) -> AuditEventView {
    guard let type = ChangeType(fields.type) else {
      throw CallError(.invalidArgument, "type \(fields.type.rawValue) is not known")
    }
    return AuditEventView(
      revision: fields.revision, type: type, time: try requiredInstant(fields.event_time, "event_time"),
      keyID: try fields.key_id.keyID("key_id"),
      actor: Actor(uid: fields.uid, user: try fields.actor.text("actor"), pid: fields.pid),
      before: fields.before == nil ? nil : try KeyMessage.decode(fields.before),
      after: fields.after == nil ? nil : try KeyMessage.decode(fields.after),
      graceEnd: try instant(fields.grace_end_time, "grace_end_time"))
  }

  /// Empty for any, which is what CHANGE_TYPE_UNSPECIFIED among them says too.
  private static func types(
    _ values: UnsafeBufferPointer<Keyward__V1__ChangeType>
  ) throws(CallError) -> Set<ChangeType> {
    var types: Set<ChangeType> = []
    var isAny = false
    for value in values {
      if value.rawValue == 0 {
        isAny = true
      } else if let type = ChangeType(value) {
        types.insert(type)
      } else {
        throw CallError(field: "types", "holds \(value.rawValue), which is no type of change")
      }
    }
    return isAny ? [] : types
  }
}
