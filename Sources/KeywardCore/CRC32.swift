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

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      var crc = ~UInt32(0)
      var position = 0
      while bytes.count - position >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
        crc = 0
        for byte in 0..<8 { crc ^= table[(7 - byte) * 256 + Int(word >> (8 * UInt64(byte)) & 0xFF)] }
        position += 8
      }
      for byte in bytes[position...] { crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8) }
      return ~crc
    }
  }
}
