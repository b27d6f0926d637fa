import KeywardCore

/// A statement's parameter.
enum SQLValue {
  case null
  case integer(Int64)
  case text(String)
  case digest(Digest)

  init(_ instant: Instant) { self = .integer(instant.microseconds) }

  init(_ instant: Instant?) { self = instant.map { .integer($0.microseconds) } ?? .null }

  init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }

  init(_ digest: Digest?) { self = digest.map { .digest($0) } ?? .null }

  init(_ text: String?) { self = text.map { .text($0) } ?? .null }

  init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
}
