import KeywardWire
import Testing

@Suite struct ByteBufferTests {
  @Test func `Bytes come out in the order they went in, through growth and wrap-around`() {
    var buffer = ByteBuffer()
    var written: UInt8 = 0
    var read: UInt8 = 0
    for round in 1...200 {
      let chunk = (0..<round * 7).map { _ -> UInt8 in
        defer { written &+= 1 }
        return written
      }
      chunk.withUnsafeBytes { buffer.append($0) }
      let count = min(buffer.count, round * 6)
      for byte in buffer.bytes[..<count] {
        #expect(byte == read)
        read &+= 1
      }
      buffer.consume(count)
    }
    #expect(buffer.count == (1...200).reduce(0) { $0 + $1 * 7 } - (1...200).reduce(0) { $0 + $1 * 6 })
  }

  @Test func `What was consumed is wiped`() {
    var buffer = ByteBuffer(capacity: 64)
    Array("kw_chat_secret".utf8).withUnsafeBytes { buffer.append($0) }
    let memory = UnsafeRawBufferPointer(start: buffer.bytes.baseAddress, count: 14)
    buffer.consume(14)
    // The buffer still owns the memory.
    #expect(memory.allSatisfy { $0 == 0 })
  }

  @Test func `An empty buffer has no memory until it needs some`() {
    var buffer = ByteBuffer()
    #expect(buffer.capacity == 0)
    [UInt8(1)].withUnsafeBytes { buffer.append($0) }
    buffer.consume(1)
    buffer.releaseMemory()
    #expect(buffer.capacity == 0)
  }
}
