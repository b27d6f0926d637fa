import CAllocations
import Glibc
import KeywardCore
import KeywardServer
import KeywardWire
import Logging
import TestSupport
import UnixSocket

/// Counts what the server takes from the heap for validations, in a process that does nothing else. It is a program and
/// no test, for it has to be built as the daemon is: without optimization nearly everything takes some.

/// Keys with names of every length, in every state that a validation tells of.
let names = (1...64).map { String(repeating: "n", count: $0 * 2 - 1) + "\($0)" } + (1...64).map { "Ünï-\($0) ß" }
let keys = names.enumerated().map { number, name in
  StoredKey(
    key: .sample(
      number, name: name, enabled: number % 5 > 0, expireTime: number % 3 == 0 ? .latest : nil,
      revokeTime: number % 7 == 0 ? .latest : number % 11 == 0 ? .epoch : nil), digest: .sample(number),
    ordinal: Int64(number + 1))
}

/// A validation of each key and one of no key, as they go over the wire.
func validations() throws -> [UInt8] {
  var output = ByteBuffer()
  let arena = Arena()
  for number in 0...keys.count {
    try TTRPCEnvelope.append(
      .validateKey(.sample(number), .chat, asOf: nil), stream: UInt32(number * 2 + 1), timeoutNanoseconds: 0,
      to: &output, in: arena)
  }
  return Array(output.bytes)
}

/// Has the frames answered, one after the other; takes nothing from the heap itself.
/// - Returns: how many bytes the replies had.
func exchange(_ frames: UnsafeRawBufferPointer, _ replies: UnsafeMutableRawBufferPointer, on fd: Int32) -> Int {
  var (sent, received, answered) = (0, 0, 0)
  while sent < frames.count {
    let count = write(fd, frames.baseAddress.map { $0 + sent }, frames.count - sent)
    guard count > 0 else { return 0 }
    sent += count
  }
  // Each reply begins with the length of what follows its header of ten bytes.
  var next = 0
  while answered <= keys.count {
    while received >= next + 10, answered <= keys.count {
      let length = Int(UInt32(bigEndian: replies.loadUnaligned(fromByteOffset: next, as: UInt32.self)))
      guard received >= next + 10 + length else { break }
      next += 10 + length
      answered += 1
    }
    if answered > keys.count { break }
    let count = read(fd, replies.baseAddress.map { $0 + received }, replies.count - received)
    guard count > 0 else { return 0 }
    received += count
  }
  return received
}

var template = Array("/tmp/kw-XXXXXX".utf8CString)
guard let made = mkdtemp(&template) else { exit(EX_CANTCREAT) }
let folder = String(cString: made)
let server = try Server(
  try Registry(store: FakeStore(keys)), at: try ListeningSocket(at: folder + "/s"),
  Server.Options(
    reactorCount: 1, version: "check", log: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
    ownUID: geteuid()))
server.start()
let connection = try RawConnection(folder + "/s")
let grpcConnection = try RawConnection(folder + "/s")
unlink(folder + "/s")
rmdir(folder)

let replies = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

/// Has rounds of validations answered, and counts what they take once what is kept has been made. How many calls are
/// under way at once, and so how much is kept, hangs on the machine: what a validation takes, it takes every time.
/// - Returns: whether some ten thousand of them took nothing.
func check(_ name: String, _ exchange: () -> Bool) -> Bool {
  var count: Int64 = 0
  for _ in 0..<5 {
    let before = allocation_count()
    var rounds = 0
    while rounds * (keys.count + 1) < 10_000, exchange() { rounds += 1 }
    count = allocation_count() - before
    let total = rounds * (keys.count + 1)
    guard total >= 10_000, allocation_count() > 0 else {
      print("the server answered \(total) validations over \(name), and saw \(allocation_count()) allocations in all")
      return false
    }
    if count == 0 {
      print("\(total) validations over \(name) took 0 times something from the heap")
      return true
    }
  }
  print("each time ten thousand validations over \(name) took something from the heap, at last \(count) times")
  return false
}

let frames = try validations()
let overTTRPC = frames.withUnsafeBytes { frames in
  check("ttrpc") { exchange(frames, replies, on: connection.descriptor) > keys.count * 20 }
}
let calls = try GRPCCalls(keys.count + 1)
grpcConnection.send(GRPCCalls.opening)
let overGRPC = check("gRPC") { calls.exchange(replies, on: grpcConnection.descriptor) }
exit(overTTRPC && overGRPC ? 0 : 1)
