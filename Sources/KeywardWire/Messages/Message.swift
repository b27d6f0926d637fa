import CKeywardProto
import CProtobufC
import KeywardCore

/// A protobuf-c message built in an arena, and good until that is reset.
struct Message {
  let base: UnsafePointer<ProtobufCMessage>

  /// The generated structures begin with a ProtobufCMessage.
  init<Generated>(_ message: UnsafeMutablePointer<Generated>) {
    base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
  }

  var byteCount: Int { protobuf_c_message_get_packed_size(base) }

  /// Appends the message's ``byteCount`` bytes.
  func pack(into buffer: inout ByteBuffer, byteCount: Int) {
    let room = buffer.reserve(byteCount)
    buffer.commit(protobuf_c_message_pack(base, room.baseAddress?.assumingMemoryBound(to: UInt8.self)))
  }
}

extension Arena {
  /// A new message.
  /// - Parameter initialize: protobuf-c's function for it.
  func make<Generated>(
    _ initialize: (UnsafeMutablePointer<Generated>?) -> Void
  ) throws(CallError) -> UnsafeMutablePointer<Generated> {
    let message = try allocate(MemoryLayout<Generated>.size).assumingMemoryBound(to: Generated.self)
    initialize(message)
    return message
  }

  /// A repeated field's values.
  func array<Value>(_ values: [Value]) throws(CallError) -> UnsafeMutablePointer<Value> {
    let copy = try allocate(values.count * MemoryLayout<Value>.stride).bindMemory(
      to: Value.self, capacity: values.count)
    copy.initialize(from: values, count: values.count)
    return copy
  }

  func timestamp(_ instant: Instant?) throws(CallError) -> UnsafeMutablePointer<Google__Protobuf__Timestamp>? {
    guard let instant else { return nil }
    let message = try make(google__protobuf__timestamp__init)
    message.pointee.seconds = instant.seconds
    message.pointee.nanos = instant.nanoseconds
    return message
  }
}

/// - Throws: INVALID_ARGUMENT outside the years 1970 to 9999.
func instant(
  _ message: UnsafeMutablePointer<Google__Protobuf__Timestamp>?, _ field: StaticString
) throws(CallError) -> Instant? {
  guard let message else { return nil }
  guard let instant = Instant(seconds: message.pointee.seconds, nanoseconds: message.pointee.nanos) else {
    throw CallError(field: "\(field)", "is not a time from 1970 to 9999 with 0 to 999999999 nanoseconds")
  }
  return instant
}

/// As ``instant(_:_:)`` for a field that must be there.
func requiredInstant(
  _ message: UnsafeMutablePointer<Google__Protobuf__Timestamp>?, _ field: StaticString
) throws(CallError) -> Instant {
  guard let instant = try instant(message, field) else { throw CallError(field: "\(field)", "is missing") }
  return instant
}

/// - Throws: INVALID_ARGUMENT where none is given, or one that is not known.
func permission(_ value: Keyward__V1__Permission) throws(CallError) -> Permission {
  if let permission = UInt8(exactly: value.rawValue).flatMap(Permission.init(rawValue:)) { return permission }
  let wrong = value.rawValue == 0 ? "is missing" : "\(value.rawValue) is not known"
  throw CallError(field: "permission", "\(wrong): give PERMISSION_CHAT or PERMISSION_SECURE_MAIL")
}

extension Permission {
  var message: Keyward__V1__Permission { Keyward__V1__Permission(rawValue: UInt32(rawValue)) }
}
