import CKeywardProto
import KeywardCore

/// The messages of `KeyService.ListKeys`.
enum ListKeysMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__list_keys_request__unpack).pointee
    var permissions: Set<Permission> = []
    for value in UnsafeBufferPointer(start: fields.permissions, count: fields.n_permissions) {
      permissions.insert(try permission(value))
    }
    var availabilities: Set<Availability> = []
    for value in UnsafeBufferPointer(start: fields.availabilities, count: fields.n_availabilities) {
      availabilities.insert(try availability(value))
    }
    let (text, order) = (try fields.query.text("query"), try fields.order_by.text("order_by"))
    let token = try fields.page_token.text("page_token")
    let asOf = try instant(fields.as_of_time, "as_of_time")
    let query = try checked { () throws(DomainError) in
      try ListQuery(
        text: try SearchText(text), permissions: permissions, availabilities: availabilities,
        showDeleted: fields.show_deleted != 0, order: try ListOrder(order), asOf: asOf,
        pageSize: Int(fields.page_size), pageToken: token)
    }
    return .listKeys(query)
  }

  static func encodeRequest(_ query: ListQuery, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_keys_request__init)
    message.pointee.query = try arena.data(query.text.given)
    let permissions = query.permissions.map(\.message)
    message.pointee.permissions = try arena.array(permissions)
    message.pointee.n_permissions = permissions.count
    let availabilities = query.availabilities.map { Keyward__V1__Availability(rawValue: UInt32($0.rawValue)) }
    message.pointee.availabilities = try arena.array(availabilities)
    message.pointee.n_availabilities = availabilities.count
    message.pointee.order_by = try arena.data(query.order.text)
    message.pointee.as_of_time = try arena.timestamp(query.asOf)
    message.pointee.show_deleted = query.showDeleted ? 1 : 0
    message.pointee.page_size = Int32(query.pageSize)
    message.pointee.page_token = try arena.data(query.pageToken)
    return Message(message)
  }

  /// - Throws: INVALID_ARGUMENT where none is given, or one that is not known.
  private static func availability(_ value: Keyward__V1__Availability) throws(CallError) -> Availability {
    if let availability = UInt8(exactly: value.rawValue).flatMap(Availability.init(rawValue:)) { return availability }
    throw CallError(
      field: "availabilities",
      "\(value.rawValue) is not known: give AVAILABILITY_AVAILABLE, AVAILABILITY_SOON_UNAVAILABLE or"
        + " AVAILABILITY_UNAVAILABLE")
  }

  static func encodeReply(
    _ page: KeyPage, revision: Revision, in arena: Arena
  ) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_keys_response__init)
    let keys = try arena.allocate(page.keys.count * MemoryLayout<UnsafeMutableRawPointer>.stride)
      .assumingMemoryBound(to: UnsafeMutablePointer<Keyward__V1__Key>?.self)
    for (index, key) in page.keys.enumerated() { keys[index] = try KeyMessage.encode(key, in: arena) }
    message.pointee.keys = keys
    message.pointee.n_keys = page.keys.count
    message.pointee.next_page_token = try arena.data(page.nextPageToken)
    message.pointee.total_size = Int64(page.totalSize)
    message.pointee.revision = revision
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__list_keys_response__unpack).pointee
    var keys: [KeyView] = []
    for message in UnsafeBufferPointer(start: fields.keys, count: fields.n_keys) {
      keys.append(try KeyMessage.decode(message))
    }
    let token = try fields.next_page_token.text("next_page_token")
    return .listKeys(
      KeyPage(keys: keys, nextPageToken: token, totalSize: Int(fields.total_size)), revision: fields.revision)
  }
}
