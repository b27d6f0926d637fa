/// A text to find in the search texts of a block: folded already, while ASCII letters of what is searched may be of
/// either case.
struct Needle {
  private let bytes: [UInt8]
  /// Of each byte the bit that tells the cases of a letter apart; 0 of what is no letter.
  private let cases: [UInt8]
  /// The first eight bytes of both, and which of them count.
  private let start: (word: UInt64, cases: UInt64, mask: UInt64)

  /// In the signature of a block.
  private let places: [Int]

  private typealias Window = SIMD32<UInt8>

  /// - Parameter folded: not empty.
  /// - Returns: nil for what no search text can hold.
  init?(_ folded: String) {
    bytes = Array(folded.utf8)
    guard !bytes.isEmpty, !bytes.contains(SearchTexts.separator) else { return nil }
    places = TextSignature.places(of: bytes)
    cases = bytes.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? 0x20 : 0 }
    func word(_ bytes: some Sequence<UInt8>) -> UInt64 {
      bytes.prefix(8).enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64($1.offset * 8) }
    }
    start = (word(bytes), word(cases), word(bytes.map { _ in 0xFF }))
  }

  /// Whether it is in a text that is folded.
  func isIn(_ folded: String) -> Bool {
    var folded = folded
    return folded.withUTF8 { hay in
      guard hay.count >= bytes.count else { return false }
      return (0...hay.count - bytes.count).contains { start in
        hay[start] == bytes[0] && hay[start..<start + bytes.count].elementsEqual(bytes)
      }
    }
  }

  /// The rows whose text holds it, and maybe some whose text is empty.
  func rows(of texts: SearchTexts) -> RowSet {
    var found = RowSet()
    var groups = texts.signature.groups(places)
    while groups != 0 {
      let group = groups.trailingZeroBitCount
      groups &= groups &- 1
      if group >= texts.groupCount { break }
      found.insert(rows(of: texts.group(group)), from: group << SearchTexts.groupBits)
    }
    return found
  }

  /// Of each row of a group whose text holds it a bit.
  private func rows(of group: SearchTexts.Group) -> UInt32 {
    let text = group.start
    let last = bytes.count &- 1
    let limit = Int(group.ends[group.count &- 1]) &- bytes.count
    // Each of either case; compared with both, for Swift takes a vector apart to set a bit in it.
    let (first, otherFirst) = (Window(repeating: bytes[0]), Window(repeating: bytes[0] ^ cases[0]))
    let (final, otherFinal) = (Window(repeating: bytes[last]), Window(repeating: bytes[last] ^ cases[last]))
    var found: UInt32 = 0
    var row = 0
    var position = 0
    while position <= limit {
      // Where the first byte and the last one fit, the ones between are looked at.
      let heads = (text + position).loadUnaligned(as: Window.self)
      let tails = (text + (position &+ last)).loadUnaligned(as: Window.self)
      let fitting = (heads .== first .| heads .== otherFirst) .& (tails .== final .| tails .== otherFinal)
      let fits = unsafeBitCast(fitting, to: SIMD4<UInt64>.self)
      position &+= Window.scalarCount
      guard fits != SIMD4() else { continue }
      let start = position &- Window.scalarCount
      var marks = Self.bits(of: fits)
      while marks != 0 {
        let hit = start &+ marks.trailingZeroBitCount
        marks &= marks &- 1
        guard hit <= limit, isAt(text + hit) else { continue }
        while Int(group.ends[row]) <= hit { row &+= 1 }
        if row == 0, group.sharesBytes(hit..<hit &+ bytes.count) { return .max >> UInt32(32 &- group.count) }
        found |= 1 << UInt32(row)
        // One hit in a row is enough.
        position = Int(group.ends[row])
        break
      }
    }
    return found
  }

  /// One bit for each of 32 bytes, of which all bits are set or none.
  @inline(__always)
  private static func bits(of bytes: SIMD4<UInt64>) -> UInt64 {
    func bits(_ word: UInt64) -> UInt64 { ((word & 0x0101_0101_0101_0101) &* 0x0102_0408_1020_4080) >> 56 }
    return bits(bytes[0]) | bits(bytes[1]) << 8 | bits(bytes[2]) << 16 | bits(bytes[3]) << 24
  }

  private func isAt(_ place: UnsafeRawPointer) -> Bool {
    let word = place.loadUnaligned(as: UInt64.self)
    guard (word | start.cases) & start.mask == start.word else { return false }
    var index = 8
    while index < bytes.count {
      guard place.load(fromByteOffset: index, as: UInt8.self) | cases[index] == bytes[index] else { return false }
      index += 1
    }
    return true
  }
}
