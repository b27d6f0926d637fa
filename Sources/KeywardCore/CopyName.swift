/// The names of copies: the first one's, `_`, and a number from 1 up.
enum CopyName {
  /// Numbers that are tried one by one.
  private static let counted = 64

  /// The lowest number whose name is free, up to 64; beyond that a free one behind a taken one, found in steps that
  /// double, so that a great many copies cost no time. A base too long for its number loses characters at its end.
  static func next(for base: KeyName, isTaken: (KeyName) -> Bool) -> KeyName {
    for number in 1...counted {
      let name = numbered(base, number)
      if !isTaken(name) { return name }
    }
    var taken = counted
    var free = 2 * counted
    while isTaken(numbered(base, free)) { (taken, free) = (free, 2 * free) }
    while free - taken > 1 {
      let middle = taken + (free - taken) / 2
      if isTaken(numbered(base, middle)) { taken = middle } else { free = middle }
    }
    return numbered(base, free)
  }

  private static func numbered(_ base: KeyName, _ number: Int) -> KeyName {
    let suffix = "_\(number)"
    let room = KeyName.maxCount - suffix.unicodeScalars.count
    guard base.text.unicodeScalars.count > room else { return KeyName(checked: base.text + suffix) }
    // Whole characters go, so that none is torn from its marks.
    var kept = base.text
    while kept.unicodeScalars.count > room { kept.removeLast() }
    while kept.unicodeScalars.last?.properties.isWhitespace ?? false { kept.unicodeScalars.removeLast() }
    return KeyName(checked: kept + suffix)
  }
}
