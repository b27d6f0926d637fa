import KeywardCore

/// What the audit says of a key's former secrets, by the rule that rotations follow: with each, those that have ended go,
/// and the rest end when it says at the latest.
struct FormerCommitments {
  private var known: [(secret: Digest, until: Instant)] = []
  /// When those end at the latest that rows of before there were commitments gave; nil where there are none.
  private var unknownUntil: Instant?

  /// - Parameters:
  ///   - own: commits to the secret that is replaced; nil where that is not known.
  ///   - until: nil where the row does not tell.
  mutating func rotate(from own: Digest?, until: Instant?, at now: Instant) {
    let until = until ?? .latest
    known = known.filter { $0.until > now }.map { ($0.secret, min($0.until, until)) }
    if let own {
      known.append((own, until))
      unknownUntil = unknownUntil.flatMap { $0 > now ? min($0, until) : nil }
    } else {
      unknownUntil = until
    }
  }

  /// Whether a key may have these former secrets, and no more of them, at an instant up to which ended ones may have
  /// been let go of.
  func allow(_ former: [FormerDigest], at now: Instant) -> Bool {
    let found = former.map { (secret: AuditRow.commitment(to: $0.digest), until: $0.until) }
    let areAllowed = found.allSatisfy { found in
      known.contains { $0 == found } || unknownUntil.map { found.until <= $0 } ?? false
    }
    return areAllowed && known.allSatisfy { known in known.until <= now || found.contains { $0 == known } }
  }
}
