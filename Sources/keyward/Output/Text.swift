import CUtf8proc

extension String {
  /// The text with what could steer a terminal, or reorder what stands beside it, shown as `\u{1B}`.
  var printable: String {
    guard unicodeScalars.contains(where: { $0.isUnprintable }) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.isUnprintable {
        text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// How many columns of a terminal it takes.
  var columnCount: Int {
    utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.columnCount }
  }

  /// As much of it as fits into so many columns, with `…` where something is left out.
  func cut(toColumns limit: Int) -> String {
    guard columnCount > limit else { return self }
    var text = ""
    var count = 1
    for character in self {
      count += character.columnCount
      guard count <= limit else { break }
      text.append(character)
    }
    return limit > 0 ? text + "…" : ""
  }

  func padded(toColumns count: Int) -> String {
    self + String(repeating: " ", count: max(0, count - columnCount))
  }
}

extension Character {
  /// The library knows code points; what is drawn as one, such as an emoji of several, takes two columns at most.
  /// U+FE0F asks for the form of a picture, which takes two.
  fileprivate var columnCount: Int {
    if unicodeScalars.contains("\u{FE0F}") { return 2 }
    return min(2, unicodeScalars.reduce(0) { $0 + Int(utf8proc_charwidth(utf8proc_int32_t($1.value))) })
  }
}

extension Unicode.Scalar {
  fileprivate var isUnprintable: Bool {
    if value < 0x7F { return value < 0x20 }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    default: return properties.isBidiControl
    }
  }
}
