/// What a walk along the audit found.
public struct AuditVerification: Sendable, Equatable {
  /// How many rows there are.
  public var rowCount: Int
  /// The first row that is not as it was written, or does not follow the one before it.
  public var firstBroken: Revision?
  /// Revisions that should have a row, and have none.
  public var missing: [ClosedRange<Revision>]
  /// Keys whose record is or was another than the audit left it, last use apart, or whose secrets are others than the
  /// audit's rows commit to, in the order of their ids.
  public var alteredKeys: [KeyID]
  /// Whether the latest instant that the store has recorded was set back, before the time of a row.
  public var isClockSetBack: Bool
  /// The end of the audit that the walk came to.
  public var head: AuditHead

  public init(
    rowCount: Int = 0, firstBroken: Revision? = nil, missing: [ClosedRange<Revision>] = [], alteredKeys: [KeyID] = [],
    isClockSetBack: Bool = false, head: AuditHead = .empty
  ) {
    self.rowCount = rowCount
    self.firstBroken = firstBroken
    self.missing = missing
    self.alteredKeys = alteredKeys
    self.isClockSetBack = isClockSetBack
    self.head = head
  }

  /// Whether nothing was found.
  public var isSound: Bool { firstBroken == nil && missing.isEmpty && alteredKeys.isEmpty && !isClockSetBack }
}

/// The newest row of the audit. Kept where whoever can write the database cannot, it shows an audit that was written
/// anew as a whole.
public struct AuditHead: Sendable, Equatable {
  /// The store's revision with it.
  public let revision: Revision
  /// Covers the row and all before it; nil where there is none.
  public let hash: Digest?

  /// Of an audit without a row.
  public static let empty = AuditHead(revision: 0, hash: nil)

  public init(revision: Revision, hash: Digest?) {
    self.revision = revision
    self.hash = hash
  }
}

/// A walk along the whole audit that compares every key with what it says, a piece at a time: changes may be made
/// between the pieces.
///
/// Concurrency: as for ``Store``, of which it is a part.
public protocol AuditVerifier: AnyObject, Sendable {
  /// Takes the next piece.
  /// - Parameter limit: how many rows and keys at most.
  /// - Returns: what was found, at the walk's end; nil before.
  func step(limit: Int) throws(StoreError) -> AuditVerification?
}

extension Registry {
  /// Begins a walk along the audit.
  /// - Throws: ``DomainError/unimplemented(_:)`` where the store keeps none to walk along.
  public func auditVerifier() throws(DomainError) -> any AuditVerifier {
    guard let verifier = store.auditVerifier() else { throw .unimplemented("this store's audit cannot be verified") }
    return verifier
  }
}

extension AuditHead {
  /// The hash in lower-case hexadecimal; empty where there is none.
  public var hashText: String {
    hash.map { hash in
      hash.withUnsafeBytes { bytes in
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      }
    } ?? ""
  }

  /// - Returns: nil for a text that is neither empty nor a hash.
  public init?(revision: Revision, hashText: String) {
    guard !hashText.isEmpty else {
      self.init(revision: revision, hash: nil)
      return
    }
    let digits = hashText.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == hashText.utf8.count, digits.count == Digest.byteCount * 2 else { return nil }
    let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    self.init(revision: revision, hash: bytes.withUnsafeBytes { Digest(bytes: $0) })
  }
}

/// What a walk along the audit found, as it is told: counts, and the first of what there may be many of.
public struct AuditSummary: Sendable, Equatable {
  public let rowCount: Int
  public let firstBroken: Revision?
  public let missingRowCount: Int64
  public let firstMissing: Revision?
  public let alteredKeyCount: Int
  /// The first ``maxKeys`` of them.
  public let alteredKeys: [KeyID]
  public let isClockSetBack: Bool
  public let head: AuditHead

  public static let maxKeys = 100

  public init(
    rowCount: Int, firstBroken: Revision?, missingRowCount: Int64, firstMissing: Revision?, alteredKeyCount: Int,
    alteredKeys: [KeyID], isClockSetBack: Bool, head: AuditHead
  ) {
    self.rowCount = rowCount
    self.firstBroken = firstBroken
    self.missingRowCount = missingRowCount
    self.firstMissing = firstMissing
    self.alteredKeyCount = alteredKeyCount
    self.alteredKeys = alteredKeys
    self.isClockSetBack = isClockSetBack
    self.head = head
  }

  public init(_ findings: AuditVerification) {
    self.init(
      rowCount: findings.rowCount, firstBroken: findings.firstBroken,
      missingRowCount: findings.missing.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 },
      firstMissing: findings.missing.first?.lowerBound, alteredKeyCount: findings.alteredKeys.count,
      alteredKeys: Array(findings.alteredKeys.prefix(Self.maxKeys)), isClockSetBack: findings.isClockSetBack,
      head: findings.head)
  }

  public var isSound: Bool { firstBroken == nil && missingRowCount == 0 && alteredKeyCount == 0 && !isClockSetBack }

  /// What was walked along, and what it came to, in one line.
  public var conclusion: String {
    let end = head.hash == nil ? "" : "; the row of revision \(head.revision) has the hash \(head.hashText)"
    return
      "the audit of \(rowCount) row\(rowCount == 1 ? "" : "s") is \(isSound ? "as it was written" : "broken")\(end)"
  }

  /// What is wrong, a sentence each; none where nothing is.
  public var findings: [String] {
    var findings: [String] = []
    if let firstBroken { findings.append("the row of revision \(firstBroken) is not as it was written") }
    if let firstMissing {
      findings.append(
        missingRowCount == 1
          ? "the row of revision \(firstMissing) is missing"
          : "\(missingRowCount) rows are missing, the first of revision \(firstMissing)")
    }
    for id in alteredKeys { findings.append("the key \(id), or a secret of it, is or was not as the audit left it") }
    let more = alteredKeyCount - alteredKeys.count
    if more > 0 { findings.append("\(more) more keys are or were not as the audit left them") }
    if isClockSetBack {
      findings.append(
        "the latest instant of the store was set back, to before a change: what had ended may be judged as good")
    }
    return findings
  }
}
