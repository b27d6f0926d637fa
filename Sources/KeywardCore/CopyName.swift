/// The names of copies: the first one's, `_`, and a number from 1 up.
enum CopyName {
  /// The lowest number whose name is free. A base too long for its number loses characters at its end.
  static func next(for base: KeyName, isTaken: (KeyName) -> Bool) -> KeyName {
    var number = 1
    while true {
      let name = numbered(base, number)
      if !isTaken(name) { return name }
      number += 1
    }
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
