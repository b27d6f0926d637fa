/// Which audit events to tell, and which page of them.
public struct AuditPageQuery: Sendable, Equatable {
  public let events: AuditQuery
  public let pageSize: Int
  /// Empty for the first page.
  public let pageToken: String

  public static let defaultPageSize = 50
  public static let maxPageSize = 1000

  /// - Parameter pageSize: 1 to 1000; 0 means 50, and more means 1000 (AIP-158).
  /// - Throws: ``DomainError/invalid(field:_:)`` for a negative page size, and for a time that ends before it begins.
  public init(_ events: AuditQuery, pageSize: Int = 0, pageToken: String = "") throws(DomainError) {
    guard pageSize >= 0 else {
      throw .invalid(field: "page_size", "is negative: give 1 to \(Self.maxPageSize), or 0 for the default")
    }
    if let start = events.start, let end = events.end, end <= start {
      throw .invalid(field: "end_time", "\(end) is not later than start_time, \(start)")
    }
    self.events = events
    self.pageSize = pageSize == 0 ? Self.defaultPageSize : min(pageSize, Self.maxPageSize)
    self.pageToken = pageToken
  }
}

/// One page of audit events, the latest first.
public struct AuditPage: Sendable, Equatable {
  public let events: [AuditEventView]
  /// Empty on the last page.
  public let nextPageToken: String
  /// How many events there are on all pages.
  public let totalSize: Int

  public init(events: [AuditEventView], nextPageToken: String, totalSize: Int) {
    self.events = events
    self.nextPageToken = nextPageToken
    self.totalSize = totalSize
  }
}

/// Where a page ended: the revision of its last event, and a checksum that binds it to its query. The audit only
/// grows at its other end, so the pages stay what they are.
struct AuditPageToken {
  let revision: Revision

  private static let revisionDigits = 10
  private static let checksumDigits = 6

  init(revision: Revision) {
    self.revision = revision
  }

  /// - Throws: ``DomainError/invalid(field:_:)`` for what no page of this query ever gave.
  init(_ text: String, of query: AuditQuery) throws(DomainError) {
    let digits = Array(text.utf8)
    guard digits.count == Self.revisionDigits + Self.checksumDigits,
      let number = Base62.read(digits[..<Self.revisionDigits]), let revision = Revision(exactly: number)
    else { throw Self.foreign }
    self.revision = revision
    guard self.text(for: query) == text else { throw Self.foreign }
  }

  func text(for query: AuditQuery) -> String {
    let number = Self.digits(of: UInt64(revision), count: Self.revisionDigits)
    let types = query.types.map(\.rawValue).sorted().map(String.init).joined(separator: ",")
    // A user's name may hold anything, so it comes last.
    var bound =
      [
        "audit", number, query.keyID?.description ?? "", types, query.start?.description ?? "",
        query.end?.description ?? "", query.user.map { "user \($0)" } ?? "",
      ]
      .joined(separator: ";")
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
    field: "page_token", "is not one that this query gave: ask again from the first page, with no token")
}
