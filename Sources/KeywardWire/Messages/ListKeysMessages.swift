import CKeywardProto
import KeywardCore

/// The messages of `KeyService.ListKeys`.
enum ListKeysMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    let fields = try arena.unpack(payload, keyward__v1__list_keys_request__unpack).pointee
    let isFiltered =
      try !fields.query.text("query").isEmpty || fields.n_permissions > 0 || fields.n_availabilities > 0
    guard !isFiltered else {
      throw CallError(.unimplemented, "query, permissions and availabilities are not supported yet: leave them empty")
    }
    guard ["", "create_time"].contains(try fields.order_by.text("order_by")) else {
      throw CallError(.unimplemented, "order_by is not supported yet but for create_time")
    }
    let token = try fields.page_token.text("page_token")
    let query = try checked { () throws(DomainError) in
      try ListQuery(
        showDeleted: fields.show_deleted != 0, pageSize: Int(fields.page_size), pageToken: token)
    }
    return .listKeys(query)
  }

  static func encodeRequest(_ query: ListQuery, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_keys_request__init)
    message.pointee.show_deleted = query.showDeleted ? 1 : 0
    message.pointee.page_size = Int32(query.pageSize)
    message.pointee.page_token = try arena.data(query.pageToken)
    return Message(message)
  }

  static func encodeReply(_ page: KeyPage, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__list_keys_response__init)
    let keys = try arena.allocate(page.keys.count * MemoryLayout<UnsafeMutableRawPointer>.stride)
      .assumingMemoryBound(to: UnsafeMutablePointer<Keyward__V1__Key>?.self)
    for (index, key) in page.keys.enumerated() { keys[index] = try KeyMessage.encode(key, in: arena) }
    message.pointee.keys = keys
    message.pointee.n_keys = page.keys.count
    message.pointee.next_page_token = try arena.data(page.nextPageToken)
    message.pointee.total_size = Int64(page.totalSize)
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__list_keys_response__unpack).pointee
    var keys: [KeyView] = []
    for message in UnsafeBufferPointer(start: fields.keys, count: fields.n_keys) {
      keys.append(try KeyMessage.decode(message))
    }
    let token = try fields.next_page_token.text("next_page_token")
    return .listKeys(KeyPage(keys: keys, nextPageToken: token, totalSize: Int(fields.total_size)))
  }
}
