import CNghttp2
import Glibc
package import KeywardCore
package import KeywardWire

/// A peer that speaks HTTP/2 frame by frame, and so can say anything in it.
package final class HTTP2Peer {
  package struct Frame {
    package let type: UInt8
    package let flags: UInt8
    package let stream: UInt32
    package let payload: [UInt8]

    package init(_ kind: Kind, _ flags: Flags = [], stream: UInt32 = 0, _ payload: [UInt8] = []) {
      self.init(type: kind.rawValue, flags: flags.rawValue, stream: stream, payload)
    }

    package init(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) {
      self.type = type
      self.flags = flags
      self.stream = stream
      self.payload = payload
    }

    package var kind: Kind? { Kind(rawValue: type) }

    package var bytes: [UInt8] {
      let length = payload.count
      return [UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags]
        + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
    }

    func has(_ flag: Flags) -> Bool { flags & flag.rawValue != 0 }
  }

  package enum Kind: UInt8 {
    case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
  }

  package struct Flags: OptionSet {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let endStream = Flags(rawValue: 1)
    package static let ack = Flags(rawValue: 1)
    package static let endHeaders = Flags(rawValue: 4)
    package static let padded = Flags(rawValue: 8)
  }

  /// What came of one stream.
  package struct Answer {
    /// Header fields in their order, those of the end included.
    package fileprivate(set) var fields: [(name: String, value: String)] = []
    package fileprivate(set) var data: [UInt8] = []
    /// The code of a RST_STREAM.
    package fileprivate(set) var reset: UInt32?
    package fileprivate(set) var hasEnded = false
    /// How many header blocks came.
    package fileprivate(set) var blockCount = 0

    package subscript(name: String) -> String? { fields.last { $0.name == name }?.value }
    package var httpStatus: String? { self[":status"] }
    package var code: StatusCode? { self["grpc-status"].flatMap { Int32($0) }.flatMap { StatusCode(rawValue: $0) } }
  }

  /// The error that the answer ended with.
  package func error(of answer: Answer) throws -> CallError {
    defer { arena.reset() }
    return try GRPCStatus.error(
      code: answer["grpc-status"], message: answer["grpc-message"], details: answer["grpc-status-details-bin"],
      in: arena)
  }

  package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  package let raw: RawConnection
  private let arena = Arena()
  private var inflater: OpaquePointer?
  private var answers: [UInt32: Answer] = [:]
  /// The code of the GOAWAY that came last, and its last stream.
  package private(set) var goAway: (code: UInt32, lastStream: UInt32, data: [UInt8])?
  /// The payloads of the PINGs that came, and whether each answers one of ours.
  package private(set) var pings: [(isAck: Bool, payload: [UInt8])] = []
  package private(set) var hasEnded = false
  /// Whether what comes is given room at once.
  package var opensWindows = true

  /// Connects and says who it is.
  /// - Parameter settings: pairs of an identifier and a value.
  package init(_ raw: RawConnection, settings: [(UInt16, UInt32)] = [], greets: Bool = true) throws {
    self.raw = raw
    guard nghttp2_hd_inflate_new(&inflater) == 0 else { throw RawConnection.Failure(message: "no inflater") }
    if greets { raw.send(Self.preface + Self.settings(settings).bytes) }
  }

  deinit {
    nghttp2_hd_inflate_del(inflater)
  }

  @discardableResult
  package func send(_ frames: Frame...) -> Bool { raw.send(frames.flatMap(\.bytes)) }

  // MARK: What is sent

  package static func settings(_ settings: [(UInt16, UInt32)]) -> Frame {
    Frame(
      .settings, [],
      settings.flatMap { pair in
        withUnsafeBytes(of: pair.0.bigEndian) { Array($0) } + withUnsafeBytes(of: pair.1.bigEndian) { Array($0) }
      })
  }

  package static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
    Frame(.windowUpdate, stream: stream, withUnsafeBytes(of: increment.bigEndian) { Array($0) })
  }

  package static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> Frame {
    Frame(.resetStream, stream: stream, withUnsafeBytes(of: code.bigEndian) { Array($0) })
  }

  /// Fields as they are, none of them indexed.
  package static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + string(name) + string(value) }
  }

  package static func headers(_ stream: UInt32, _ fields: [(String, String)], _ flags: Flags = .endHeaders) -> Frame {
    Frame(.headers, flags, stream: stream, block(fields))
  }

  /// The fields that every stock client sends.
  package static func fields(_ path: String, _ more: [(String, String)] = []) -> [(String, String)] {
    [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("te", "trailers"),
      ("content-type", "application/grpc"),
    ] + more
  }

  /// A message behind its prefix.
  package static func message(_ bytes: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
  }

  /// The path of a method, and its message behind its prefix.
  package func call(_ request: OutgoingRequest) throws -> (path: String, data: [UInt8]) {
    defer { arena.reset() }
    var output = ByteBuffer()
    try GRPCEnvelope.append(request, to: &output, in: arena)
    return ("/\(request.method.service)/\(request.method.name)", Array(output.bytes))
  }

  /// Sends a whole call.
  package func begin(_ request: OutgoingRequest, stream: UInt32, _ more: [(String, String)] = []) throws {
    let call = try call(request)
    send(Self.headers(stream, Self.fields(call.path, more)), Frame(.data, .endStream, stream: stream, call.data))
  }

  // MARK: What comes

  /// Sends a call and takes its answer.
  package func answer(to request: OutgoingRequest, stream: UInt32, _ more: [(String, String)] = []) throws -> Answer {
    try begin(request, stream: stream, more)
    return try answer(on: stream)
  }

  /// Takes frames until a stream is over.
  package func answer(on stream: UInt32) throws -> Answer {
    while true {
      if let answer = answers[stream], answer.hasEnded || answer.reset != nil { return answer }
      guard try takeFrame() != nil else {
        throw RawConnection.Failure(
          message: "the connection ended before stream \(stream): \(goAway.map { "GOAWAY \($0.code)" } ?? "no GOAWAY")")
      }
    }
  }

  /// What has come of a stream so far.
  package subscript(stream: UInt32) -> Answer { answers[stream] ?? Answer() }

  /// Takes frames until something holds.
  package func take(until isDone: () -> Bool) throws {
    while !isDone() {
      guard try takeFrame() != nil else { throw RawConnection.Failure(message: "the connection ended first") }
    }
  }

  /// Takes frames until the end of the connection.
  package func takeRest() throws {
    while try takeFrame() != nil {}
  }

  /// Takes frames until all that was sent before is done with: until a second PING is answered, for the answer to one goes
  /// before other frames.
  package func settle() throws {
    for mark in ["settled1", "settled2"].map({ Array($0.utf8) }) {
      let count = pings.count
      send(Frame(.ping, [], mark))
      try take { self.pings.dropFirst(count).contains { $0.isAck && $0.payload == mark } }
    }
  }

  /// The reply of a method in an answer.
  package func reply(_ method: Method, in answer: Answer) throws -> Reply {
    defer { arena.reset() }
    return try answer.data.withUnsafeBytes { try GRPCEnvelope.reply(method, $0, in: arena) }
  }

  /// - Returns: nil at the end of the connection.
  package func takeFrame() throws -> Frame? {
    guard let header = try raw.read(9) else {
      hasEnded = true
      return nil
    }
    let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
    let stream = header[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
    guard let payload = try raw.read(length) else { throw RawConnection.Failure(message: "half a frame came") }
    let frame = Frame(type: header[3], flags: header[4], stream: stream, payload)
    try note(frame)
    return frame
  }

  private func note(_ frame: Frame) throws {
    let number = { (bytes: ArraySlice<UInt8>) in bytes.reduce(0) { $0 << 8 | UInt32($1) } }
    var answer = answers[frame.stream] ?? Answer()
    switch frame.kind {
    case .headers:
      answer.fields += try inflate(frame.payload)
      answer.blockCount += 1
      answer.hasEnded = frame.has(.endStream)
    case .data:
      answer.data += frame.payload
      answer.hasEnded = frame.has(.endStream)
      if opensWindows, !frame.payload.isEmpty {
        send(Self.windowUpdate(0, UInt32(frame.payload.count)))
        if !answer.hasEnded { send(Self.windowUpdate(frame.stream, UInt32(frame.payload.count))) }
      }
    case .resetStream: answer.reset = number(frame.payload[...])
    case .settings: if !frame.has(.ack) { send(Frame(.settings, .ack)) }
    case .ping:
      pings.append((frame.has(.ack), frame.payload))
    case .goAway: goAway = (number(frame.payload[4..<8]), number(frame.payload[..<4]), Array(frame.payload[8...]))
    default: break
    }
    if frame.stream != 0 { answers[frame.stream] = answer }
  }

  private func inflate(_ block: [UInt8]) throws -> [(name: String, value: String)] {
    var fields: [(String, String)] = []
    var position = 0
    try block.withUnsafeBufferPointer { block in
      while true {
        var field = nghttp2_nv()
        var flags: Int32 = 0
        let count = nghttp2_hd_inflate_hd2(
          inflater, &field, &flags, block.baseAddress.map { $0 + position }, block.count - position, 1)
        guard count >= 0 else { throw RawConnection.Failure(message: "header fields cannot be read: \(count)") }
        position += count
        if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
          fields.append(
            (
              String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self),
              String(decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
            ))
        }
        if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 { break }
      }
    }
    nghttp2_hd_inflate_end_headers(inflater)
    return fields
  }

  private static func string(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var length = [UInt8(127)]
    var rest = bytes.count - 127
    while rest >= 128 {
      length.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return length + [UInt8(rest)] + bytes
  }
}
