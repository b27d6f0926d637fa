import CChecksum

/// CRC-32 as gzip and PNG use it (ISO-HDLC: polynomial 0x04C11DB7 reflected, initial value and final XOR all ones).
enum CRC32 {
  /// For each of eight bytes at once what it does to the checksum ("slicing by 8", Kounavis and Berry, 2008): 256
  /// entries for the last byte of the eight first, then for the one before it, and so on.
  private static let table: [UInt32] = {
    var table = (0..<256 as Range<UInt32>).map { byte -> UInt32 in
      var crc = byte
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
      return crc
    }
    for entry in 256..<8 * 256 {
      let before = table[entry - 256]
      table.append(table[Int(before & 0xFF)] ^ (before >> 8))
    }
    return table
  }()

  /// Whether the processor can do without the table.
  static let isFast = checksum_is_fast() != 0

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { checksum(bytes, after: 0) }

  /// - Parameter before: the checksum of what precedes the bytes.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32) -> UInt32 {
    #if arch(x86_64)
      if bytes.count == checksum_fast_count, isFast, let start = bytes.baseAddress {
        return checksum_fast(start, before)
      }
    #endif
    return checksumByTable(bytes, after: before)
  }

  /// As ``checksum(_:after:)`` on any processor.
  static func checksumByTable(_ bytes: UnsafeRawBufferPointer, after before: UInt32) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      func entry(_ distance: Int, _ byte: UInt64) -> UInt32 { table[distance * 256 + Int(byte & 0xFF)] }
      var crc = ~before
      var position = 0
      while bytes.count - position >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
        let low = entry(7, word) ^ entry(6, word >> 8) ^ entry(5, word >> 16) ^ entry(4, word >> 24)
        let high = entry(3, word >> 32) ^ entry(2, word >> 40) ^ entry(1, word >> 48) ^ entry(0, word >> 56)
        crc = low ^ high
        position += 8
      }
      if bytes.count - position >= 4 {
        let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)) ^ crc
        let word = UInt64(half)
        crc = entry(3, word) ^ entry(2, word >> 8) ^ entry(1, word >> 16) ^ entry(0, word >> 24)
        position += 4
      }
      for byte in bytes[position...] { crc = entry(0, UInt64(crc) ^ UInt64(byte)) ^ (crc >> 8) }
      return ~crc
    }
  }
}
