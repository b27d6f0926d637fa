import CKeywardProto
import CProtobufC
import KeywardCore

/// Fields that several messages have.
extension ProtobufCBinaryData {
  /// - Throws: INVALID_ARGUMENT for what is no key's id.
  func keyID(_ field: StaticString) throws(CallError) -> KeyID {
    guard let id = KeyID(try text(field)) else {
      throw CallError(field: "\(field)", "is not a key's id, which is \"key_\" and 20 letters and digits")
    }
    return id
  }

  /// nil where none is given.
  func requestID() throws(CallError) -> RequestID? {
    let text = try text("request_id")
    return text.isEmpty ? nil : try checked { () throws(DomainError) in try RequestID(text) }
  }

  /// nil where none is given. One that no key can have had is as stale as any other: it becomes a revision that
  /// there is not.
  func etag() throws(CallError) -> Revision? {
    let text = try text("etag")
    guard !text.isEmpty else { return nil }
    guard let revision = Revision(text), revision > 0, String(revision) == text else { return -1 }
    return revision
  }
}

extension Arena {
  /// An id's text in the arena.
  func data(_ id: KeyID) throws(CallError) -> ProtobufCBinaryData {
    let bytes = try allocate(KeyID.byteCount).assumingMemoryBound(to: UInt8.self)
    id.write(to: UnsafeMutableBufferPointer(start: bytes, count: KeyID.byteCount))
    return ProtobufCBinaryData(len: KeyID.byteCount, data: bytes)
  }

  func data(etag: Revision?) throws(CallError) -> ProtobufCBinaryData {
    try data(etag.map { String($0) } ?? "")
  }

  /// A secret's bytes in the arena, which is wiped; none where there is no secret.
  func data(_ secret: Secret?) throws(CallError) -> ProtobufCBinaryData {
    guard let secret else { return ProtobufCBinaryData() }
    return try secret.withUnsafeBytes { (bytes) throws(CallError) in try data(bytes) }
  }

  /// An array in the arena, of what `make` gives for each element.
  func array<Element, Item>(
    _ elements: [Element], _ make: (Element) throws(CallError) -> Item
  ) throws(CallError) -> UnsafeMutablePointer<Item> {
    let items = try allocate(elements.count * MemoryLayout<Item>.stride).assumingMemoryBound(to: Item.self)
    for (index, element) in elements.enumerated() { items[index] = try make(element) }
    return items
  }
}

extension Secret {
  /// The secret of a reply; nil where it holds none.
  /// - Throws: INVALID_ARGUMENT for what is no text.
  static func received(_ field: ProtobufCBinaryData) throws(CallError) -> Secret? {
    try field.checkText("secret")
    return field.len > 0 ? Secret(copying: field.bytes) : nil
  }
}
