/// How long a reactor asks for more before it waits: `0us` to `10ms`.
struct BusyPollTime: Equatable, CustomStringConvertible {
  let nanoseconds: UInt64

  var description: String { "\(nanoseconds / 1000)us" }

  static let off = BusyPollTime(nanoseconds: 0)

  private static let maxNanoseconds: UInt64 = 10_000_000

  static let settingAdvice = "give a number of microseconds (\"50us\") or milliseconds (\"1ms\"), at most 10ms"

  private init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// - Returns: nil for any other text.
  init?(setting text: String) {
    let units: [(suffix: String, nanoseconds: UInt64)] = [("us", 1000), ("ms", 1_000_000)]
    guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast(unit.suffix.count)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits),
      number <= Self.maxNanoseconds / unit.nanoseconds
    else { return nil }
    nanoseconds = number * unit.nanoseconds
  }
}
