/// One page of keys.
public struct KeyPage: Sendable, Equatable {
  public let keys: [KeyView]
  /// Empty on the last page.
  public let nextPageToken: String
  /// How many keys the query finds on all pages.
  public let totalSize: Int

  public init(keys: [KeyView], nextPageToken: String, totalSize: Int) {
    self.keys = keys
    self.nextPageToken = nextPageToken
    self.totalSize = totalSize
  }
}

/// Where a page ended: what its last key was ordered by, and a checksum that binds the token to its query. The next
/// page begins after that place whatever has become of the key, so no change makes a page repeat or pass over another
/// key. All pages are judged by the instant that the first one was asked about, so that a span from now, which is
/// another instant each time it is given, finds them too.
struct PageToken {
  let place: ListPlace
  /// What the first page was asked about; nil for the instants of the calls.
  let asOf: Instant?

  /// Seconds by which a later page may name another instant than the first one did.
  private static let tolerance: Int64 = 86400

  init(_ place: ListPlace, asOf: Instant?) {
    self.place = place
    self.asOf = asOf
  }

  /// - Throws: ``DomainError/invalid(field:_:)`` for what no page of this query ever gave.
  init(_ text: String, of query: ListQuery) throws(DomainError) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 5, let ordinal = Self.number(parts[0]), let instant = Self.number(parts[1]),
      let name = Self.text(parts[2])
    else { throw Self.foreign }
    place = ListPlace(name: name, instant: instant, ordinal: ordinal)
    asOf = Self.number(parts[3]).map { Instant(microseconds: $0) }
    guard self.text(for: query) == text, isNear(query.asOf), asOf?.isRepresentable != false else { throw Self.foreign }
  }

  private func isNear(_ given: Instant?) -> Bool {
    guard let asOf, let given else { return asOf == given }
    return given < asOf.adding(seconds: Self.tolerance) && asOf < given.adding(seconds: Self.tolerance)
  }

  func text(for query: ListQuery) -> String {
    let name = place.name.utf8.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }
    let body = [
      String(place.ordinal, radix: 36), Self.text(place.instant), name.joined(),
      asOf.map { Self.text($0.microseconds) } ?? "",
    ].joined(separator: "-")
    var bound = query.fingerprint + "\u{1F}" + body
    let checksum = bound.withUTF8 { CRC32.checksum(UnsafeRawBufferPointer($0)) }
    return body + "-" + String(checksum, radix: 36)
  }

  // Instants may be at either end of their range, so their bits are taken as they are.
  private static func text(_ instant: Int64) -> String { String(UInt64(bitPattern: instant), radix: 36) }

  private static func number(_ text: Substring) -> Int64? {
    UInt64(text, radix: 36).map { Int64(bitPattern: $0) }
  }

  private static func text(_ digits: Substring) -> String? {
    let values = digits.compactMap(\.hexDigitValue)
    guard values.count == digits.count, values.count % 2 == 0, values.count <= 4096 else { return nil }
    let bytes = stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] * 16 + values[$0 + 1]) }
    return String(validating: bytes, as: UTF8.self)
  }

  private static let foreign = DomainError.invalid(
    field: "page_token", "is not one that this list gave: ask again from the first page, with no token")
}

/// A key's place in an order: what is compared first, and the ordinal that decides between equals.
struct ListPlace: Equatable {
  /// The folded name, in an order by name; else empty.
  let name: String
  /// Microseconds, in an order by an instant; else 0.
  let instant: Int64
  let ordinal: Int64

  init(name: String = "", instant: Int64 = 0, ordinal: Int64) {
    self.name = name
    self.instant = instant
    self.ordinal = ordinal
  }
}
