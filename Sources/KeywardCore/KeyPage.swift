/// Which keys to list, and which page of them.
public struct ListQuery: Sendable, Equatable {
  public let showDeleted: Bool
  public let pageSize: Int
  /// Empty for the first page.
  public let pageToken: String

  public static let defaultPageSize = 50
  public static let maxPageSize = 1000

  /// - Parameter pageSize: 1 to 1000; 0 means 50, and more means 1000 (AIP-158).
  /// - Throws: ``DomainError/invalid(field:_:)`` for a negative page size.
  public init(showDeleted: Bool = false, pageSize: Int = 0, pageToken: String = "") throws(DomainError) {
    guard pageSize >= 0 else {
      throw .invalid(field: "page_size", "is negative: give 1 to \(Self.maxPageSize), or 0 for the default")
    }
    self.showDeleted = showDeleted
    self.pageSize = pageSize == 0 ? Self.defaultPageSize : min(pageSize, Self.maxPageSize)
    self.pageToken = pageToken
  }
}

/// One page of keys, in the order of their creation.
public struct KeyPage: Sendable, Equatable {
  public let keys: [KeyView]
  /// Empty on the last page.
  public let nextPageToken: String
  /// How many keys there are on all pages.
  public let totalSize: Int

  public init(keys: [KeyView], nextPageToken: String, totalSize: Int) {
    self.keys = keys
    self.nextPageToken = nextPageToken
    self.totalSize = totalSize
  }
}

/// Where a page ended: the ordinal of its last key, and a checksum that binds it to its query.
struct PageToken {
  let ordinal: Int64

  private static let ordinalDigits = 10
  private static let checksumDigits = 6

  init(ordinal: Int64) {
    self.ordinal = ordinal
  }

  /// - Throws: ``DomainError/invalid(field:_:)`` for what no page of this query ever gave.
  init(_ text: String, of query: ListQuery) throws(DomainError) {
    let digits = Array(text.utf8)
    guard digits.count == Self.ordinalDigits + Self.checksumDigits,
      let number = Base62.read(digits[..<Self.ordinalDigits]), let ordinal = Int64(exactly: number)
    else { throw Self.foreign }
    self.ordinal = ordinal
    guard self.text(for: query) == text else { throw Self.foreign }
  }

  func text(for query: ListQuery) -> String {
    let number = Self.digits(of: UInt64(ordinal), count: Self.ordinalDigits)
    var bound = "created,\(query.showDeleted),\(number)"
    let checksum = bound.withUTF8 { CRC32.checksum(UnsafeRawBufferPointer($0)) }
    return number + Self.digits(of: UInt64(checksum), count: Self.checksumDigits)
  }

  private static func digits(of number: UInt64, count: Int) -> String {
    String(unsafeUninitializedCapacity: count) { buffer in
      Base62.write(number, to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      return count
    }
  }

  private static let foreign = DomainError.invalid(
    field: "page_token", "is not one that this list gave: ask again from the first page, with no token")
}
