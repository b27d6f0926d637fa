import CUtf8proc

/// What people call a key: 1 to 128 Unicode code points after trimming and NFC, none of them a control or one that
/// takes no room, and no secret among them.
public struct KeyName: Hashable, Sendable {
  public let text: String

  /// The longest name, in Unicode code points (AIP-210 counts characters so).
  public static let maxCount = 128

  /// The most bytes of UTF-8 that a name may have.
  public static let maxByteCount = 4 * maxCount

  /// How many bytes of UTF-8 a name may have.
  package static let byteCounts = 1...maxByteCount

  /// A name as a person gave it.
  /// - Throws: ``DomainError/invalid(field:_:)`` saying what is wrong with it.
  public init(_ given: String) throws(DomainError) {
    let trimmed = Self.trimmed(given)
    // Normalizing takes time that grows with the square of a run of marks, so what cannot become short enough is
    // refused before. No character has more than four code points in its decomposition.
    let given = trimmed.unicodeScalars.count
    guard given <= 4 * Self.maxCount else { throw Self.tooLong(given) }
    let text = Self.normalized(trimmed)
    let count = text.unicodeScalars.count
    guard count <= Self.maxCount else { throw Self.tooLong(count) }
    if let scalar = text.unicodeScalars.first(where: Self.isForbidden) {
      throw .invalid(field: "name", "has the control character \(Self.codePoint(scalar)): leave it out")
    }
    if let scalar = text.unicodeScalars.first(where: Self.isInvisible) {
      throw .invalid(
        field: "name", "has the character \(Self.codePoint(scalar)), which nobody can see: leave it out")
    }
    // Composing may make the letters of a secret, and take the last one away.
    try Annotation.checkNoSecret(trimmed, field: "name")
    try Annotation.checkNoSecret(text, field: "name")
    guard text.unicodeScalars.contains(where: Self.isVisible) else {
      throw .invalid(field: "name", "is empty: give 1 to \(Self.maxCount) characters, not all of them invisible")
    }
    self.text = text
  }

  private static func tooLong(_ count: Int) -> DomainError {
    .invalid(field: "name", "has \(count) characters: give at most \(maxCount)")
  }

  /// `U+202E`.
  static func codePoint(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Refuses what no key is given for a name, though keys may be asked for by it.
  /// - Throws: ``DomainError/invalid(field:_:)``.
  func checkIsNoID() throws(DomainError) {
    guard KeyID(text) == nil else {
      throw .invalid(field: "name", "has the form of a key's id, and would be taken for one: choose another")
    }
  }

  /// A name that was checked when it was stored or sent.
  public init(checked text: String) {
    self.text = text
  }

  /// Controls, line and paragraph separators, and what reorders the text around it (UAX #9), which could make one
  /// name look like another.
  static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    // Looking a property up takes longer than all else about a name.
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: scalar.properties.isBidiControl || scalar.properties.isNoncharacterCodePoint
    }
  }

  /// What takes no room and changes nothing about the text around it, so that two names would look the same. Joiners
  /// and variation selectors, which do change it, are not among them.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x80: false
    // Joiners.
    case 0x200C, 0x200D: false
    // The braille pattern without dots, and the anchors of interlinear annotations.
    case 0x2800, 0xFFF9...0xFFFB: true
    default: scalar.properties.isDefaultIgnorableCodePoint && !scalar.properties.isVariationSelector
    }
  }

  /// A name of nothing but joiners, fillers and spaces cannot be told from another.
  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    !isWhitespace(scalar) && (scalar.isASCII || !scalar.properties.isDefaultIgnorableCodePoint)
  }

  private static func isWhitespace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII ? scalar == " " || (0x09...0x0D).contains(scalar.value) : scalar.properties.isWhitespace
  }

  private static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isWhitespace($0) }),
      let last = scalars.lastIndex(where: { !isWhitespace($0) })
    else { return "" }
    return String(scalars[first...last])
  }

  private static func normalized(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    return UnicodeMap.mapped(text, UTF8PROC_STABLE.rawValue | UTF8PROC_COMPOSE.rawValue)
  }
}
