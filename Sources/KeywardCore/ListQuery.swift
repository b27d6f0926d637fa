/// Which keys to list, in which order, and which page of them.
public struct ListQuery: Sendable, Equatable {
  /// Found in the name or the creator, whatever the case; empty finds any.
  public let text: SearchText
  /// Any of them; empty finds any.
  public let permissions: Set<Permission>
  /// Any of them; empty finds any. ``Availability/available`` finds what is soon unavailable too.
  public let availabilities: Set<Availability>
  public let showDeleted: Bool
  public let order: ListOrder
  /// The instant by which availabilities are judged, not before the call's; nil for that.
  public let asOf: Instant?
  public let pageSize: Int
  /// Empty for the first page.
  public let pageToken: String

  public static let defaultPageSize = 50
  public static let maxPageSize = 1000

  /// - Parameter pageSize: 1 to 1000; 0 means 50, and more means 1000 (AIP-158).
  /// - Throws: ``DomainError/invalid(field:_:)`` for a negative page size.
  public init(
    text: SearchText = .any, permissions: Set<Permission> = [], availabilities: Set<Availability> = [],
    showDeleted: Bool = false, order: ListOrder = ListOrder(), asOf: Instant? = nil, pageSize: Int = 0,
    pageToken: String = ""
  ) throws(DomainError) {
    guard pageSize >= 0 else {
      throw .invalid(field: "page_size", "is negative: give 1 to \(Self.maxPageSize), or 0 for the default")
    }
    self.text = text
    self.permissions = permissions
    self.availabilities = availabilities
    self.showDeleted = showDeleted
    self.order = order
    self.asOf = asOf
    self.pageSize = pageSize == 0 ? Self.defaultPageSize : min(pageSize, Self.maxPageSize)
    self.pageToken = pageToken
  }

  /// The same for queries that differ only in the page they want, and in the instant they ask about.
  var fingerprint: String {
    let parts = [
      text.folded, permissions.map(\.name).sorted().joined(separator: "+"),
      availabilities.map(\.name).sorted().joined(separator: "+"), "\(showDeleted)", order.text,
      asOf == nil ? "" : "as of",
    ]
    return parts.joined(separator: "\u{1F}")
  }
}

/// What keys are put in order by.
public struct ListOrder: Sendable, Hashable {
  public enum Field: String, Sendable, CaseIterable {
    case name
    case createTime = "create_time"
    /// Keys that never expire come last.
    case expireTime = "expire_time"
    /// Keys that were never used come first.
    case lastUsedTime = "last_used_time"
  }

  public let field: Field
  public let isDescending: Bool

  public init(_ field: Field = .createTime, descending: Bool = false) {
    self.field = field
    isDescending = descending
  }

  /// Reads AIP-132's form: a field, and ` desc` for the reverse. Empty means `create_time`.
  /// - Throws: ``DomainError/invalid(field:_:)`` for anything else.
  public init(_ text: String) throws(DomainError) {
    let words = text.split(separator: " ")
    let direction = words.count == 2 ? words[1] : "asc"
    guard words.count <= 2, let field = words.isEmpty ? .createTime : Field(rawValue: String(words[0])),
      ["asc", "desc"].contains(direction)
    else {
      let fields = Field.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalid(field: "order_by", "is not an order: give one of \(fields), with \" desc\" for the reverse")
    }
    self.init(field, descending: direction == "desc")
  }

  /// AIP-132's form.
  public var text: String { isDescending ? "\(field.rawValue) desc" : field.rawValue }
}

/// A text to find: at most 128 code points, compared without regard to case.
public struct SearchText: Sendable, Equatable {
  /// As it was given.
  public let given: String
  let folded: String

  public static let maxCount = 128
  public static let any = SearchText()

  private init() {
    given = ""
    folded = ""
  }

  /// - Throws: ``DomainError/invalid(field:_:)`` for one that is longer.
  public init(_ text: String) throws(DomainError) {
    let count = text.unicodeScalars.count
    guard count <= Self.maxCount else {
      throw .invalid(field: "query", "has \(count) characters: give at most \(Self.maxCount)")
    }
    given = text
    folded = CaseFolding.folded(text)
  }
}
