import Glibc
import KeywardCore
import Testing

@testable import keyward

@Suite("StandardOutput")
struct StandardOutputTests {
  private func pipe() -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    Glibc.pipe(&ends)
    return (ends[0], ends[1])
  }

  @Test("a terminal is as wide as COLUMNS says, else as it says itself, else 80")
  func width() {
    // A pipe has no size, as a terminal may have none.
    let (reader, writer) = pipe()
    defer {
      close(reader)
      close(writer)
    }
    #expect(StandardOutput.width(of: writer, variable: "132") == 132)
    for variable in [nil, "", "0", "-7", "wide"] {
      #expect(StandardOutput.width(of: writer, variable: variable) == 80)
    }
  }

  @Test("a full disk is an error of input and output")
  func fullDisk() throws {
    let descriptor = open("/dev/full", O_WRONLY)
    defer { close(descriptor) }
    let output = StandardOutput(descriptor: descriptor)
    #expect(output.canBeRead)
    try output.write("lost")
    let failure = #expect(throws: CommandFailure.self) { try output.flush() }
    #expect(failure?.status == .inputOutput)
  }

  @Test("a reader that has gone is no error, but is noticed")
  func closedPipe() throws {
    signal(SIGPIPE, SIG_IGN)
    let (reader, writer) = pipe()
    defer { close(writer) }
    let output = StandardOutput(descriptor: writer)
    #expect(output.canBeRead)
    close(reader)
    #expect(!output.canBeRead)
    try output.write("unread")
    try output.flush()
    #expect(output.readerIsGone)
  }

  @Test("what cannot be written to is known before anything is")
  func notWritable() {
    let descriptor = open("/dev/null", O_RDONLY)
    defer { close(descriptor) }
    #expect(!StandardOutput(descriptor: descriptor).canBeRead)
    #expect(!StandardOutput(descriptor: 1_000_000).canBeRead)
  }

  @Test("texts and secrets come out in the order they were written")
  func order() throws {
    let (reader, writer) = pipe()
    let output = StandardOutput(descriptor: writer)
    try output.write("a")
    try Array("b".utf8).withUnsafeBytes { try output.write(Secret(copying: $0)) }
    try output.write("c")
    try output.flush()
    close(writer)
    var bytes = [UInt8](repeating: 0, count: 8)
    let count = read(reader, &bytes, bytes.count)
    close(reader)
    #expect(bytes.prefix(max(0, count)) == Array("abc".utf8)[...])
  }
}
