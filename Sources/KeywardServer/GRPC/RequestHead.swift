import CNghttp2
import Glibc
import KeywardCore
import KeywardWire

/// What the header fields of a request say, taken field by field and never kept longer than that.
///
/// nghttp2's own rules are off, for they refuse authorities that stock clients send over Unix sockets; these are the rest
/// of RFC 9113's, and gRPC's.
struct RequestHead {
  /// How a request is refused before anything of gRPC is looked at.
  enum Refusal: Equatable {
    /// Against HTTP/2: the stream is reset.
    case malformed
    /// An answer of HTTP alone.
    case httpStatus(HTTPStatus)
  }

  private struct Seen: OptionSet {
    let rawValue: UInt8
    static let method = Seen(rawValue: 1)
    static let scheme = Seen(rawValue: 2)
    static let path = Seen(rawValue: 4)
    static let authority = Seen(rawValue: 8)
    static let contentType = Seen(rawValue: 16)
    static let regular = Seen(rawValue: 32)
    static let timeout = Seen(rawValue: 64)
    static let encoding = Seen(rawValue: 128)

    static let required: Seen = [.method, .scheme, .path]
  }

  private var seen: Seen = []
  private var fieldCount = 0
  private var byteCount = 0
  private var isPost = false
  private var isGRPC = false
  private var isMalformed = false
  private var isTooLarge = false
  private(set) var route: Route?
  /// The path where it is no method's, cut short.
  private(set) var unknownPath: String?
  /// Nanoseconds; nil where none is given.
  private(set) var timeout: Int64?
  /// Bytes that the request is to have; nil where it does not say.
  private var contentLength: Int?
  private(set) var encoding = Compression.identity
  /// A timeout or an encoding that makes no sense.
  private(set) var error: CallError?

  /// Takes a field in.
  mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ limits: Limits) {
    fieldCount += 1
    // As RFC 9113 counts a header list.
    byteCount += name.count + value.count + 32
    guard fieldCount <= limits.headerCount, byteCount <= limits.headerBytes else {
      isTooLarge = true
      return
    }
    guard name.first != UInt8(ascii: ":") else { return takePseudo(name, value) }
    seen.insert(.regular)
    switch name.count {
    case 2 where name.equals("te"): if !value.equalsIgnoringCase("trailers") { isMalformed = true }
    case 12 where name.equals("content-type"):
      if !first(.contentType) { isMalformed = true }
      isGRPC = ContentType.isGRPC(value)
    case 12 where name.equals("grpc-timeout"):
      timeout = first(.timeout) ? GRPCTimeout.nanoseconds(value) : nil
      if timeout == nil { error = .timeoutMalformed }
    case 13 where name.equals("grpc-encoding"):
      guard first(.encoding), let known = Compression(value) else {
        error = .encodingUnknown
        return
      }
      encoding = known
    case 14 where name.equals("content-length"):
      contentLength = contentLength == nil ? Self.number(value) : nil
      if contentLength == nil { isMalformed = true }
    default: if !Self.isAllowed(name, value) { isMalformed = true }
    }
  }

  /// Whether the request's bytes are more than its head says, or are over and are fewer.
  func isContradicted(by count: Int, isOver: Bool) -> Bool {
    guard let contentLength else { return false }
    return isOver ? count != contentLength : count > contentLength
  }

  /// What is wrong with the request as HTTP sees it, once all fields are here.
  var refusal: Refusal? {
    if isMalformed { return .malformed }
    if isTooLarge { return .httpStatus(.headerFieldsTooLarge) }
    if seen.contains(.method), !isPost { return .httpStatus(.methodNotAllowed) }
    if !seen.isSuperset(of: .required) { return .malformed }
    return isGRPC ? nil : .httpStatus(.unsupportedMediaType)
  }

  /// What is wrong with fields that came after the request's messages.
  static func isAllowedTrailer(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    name.first != UInt8(ascii: ":") && isAllowed(name, value)
  }

  private mutating func takePseudo(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if seen.contains(.regular) { isMalformed = true }
    switch name.count {
    case 5 where name.equals(":path"):
      if !first(.path) || value.isEmpty { isMalformed = true }
      route = Route(path: value)
      // What a peer makes up is not repeated at any length.
      unknownPath = route == nil ? String(decoding: value.prefix(256), as: UTF8.self) : nil
    case 7 where name.equals(":method"):
      if !first(.method) { isMalformed = true }
      isPost = value.equals("POST")
    case 7 where name.equals(":scheme"): if !first(.scheme) || value.isEmpty { isMalformed = true }
    case 10 where name.equals(":authority"):
      if !first(.authority) || value.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) { isMalformed = true }
    default: isMalformed = true
    }
  }

  private mutating func first(_ field: Seen) -> Bool { seen.insert(field).inserted }

  private static func number(_ digits: UnsafeRawBufferPointer) -> Int? {
    guard (1...18).contains(digits.count) else { return nil }
    var number = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      number = number * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return number
  }

  private static func isAllowed(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    guard nghttp2_check_header_name(name.baseAddress?.assumingMemoryBound(to: UInt8.self), name.count) != 0,
      value.isEmpty
        || nghttp2_check_header_value(value.baseAddress?.assumingMemoryBound(to: UInt8.self), value.count) != 0
    else { return false }
    // Fields of HTTP/1.1's connections.
    switch name.count {
    case 7: return !name.equals("upgrade")
    case 10: return !name.equals("connection") && !name.equals("keep-alive")
    case 16: return !name.equals("proxy-connection")
    case 17: return !name.equals("transfer-encoding")
    default: return true
    }
  }
}

/// The statuses of HTTP that answer what is no call of gRPC.
enum HTTPStatus: Int {
  case methodNotAllowed = 405
  case unsupportedMediaType = 415
  case headerFieldsTooLarge = 431
}

extension CallError {
  fileprivate static let timeoutMalformed = CallError(
    .invalidArgument, "grpc-timeout is not 1 to 8 digits and one of H, M, S, m, u, n")
  fileprivate static let encodingUnknown = CallError(
    .unimplemented, "the message's grpc-encoding is not known here: use one that grpc-accept-encoding names",
    reason: .encodingUnknown)
}

/// The media types that gRPC's requests have.
enum ContentType {
  /// Whether it is `application/grpc`, for protocol buffers, with whatever parameters.
  static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
    let base: StaticString = "application/grpc"
    guard value.count >= base.utf8CodeUnitCount,
      UnsafeRawBufferPointer(rebasing: value[..<base.utf8CodeUnitCount]).equalsIgnoringCase(base)
    else { return false }
    let rest = UnsafeRawBufferPointer(rebasing: value[base.utf8CodeUnitCount...])
    let type = UnsafeRawBufferPointer(rebasing: rest.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") })
    return type.isEmpty || type.equalsIgnoringCase("+proto")
  }
}

extension UnsafeRawBufferPointer {
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount, let baseAddress else { return false }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }

  /// - Parameter text: in lower case.
  fileprivate func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      let byte = self[index]
      let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
      if lower != text.utf8Start[index] { return false }
    }
    return true
  }
}
