/// Advice for a word that was mistyped.
enum Suggestion {
  /// The known word that is most like the given one, capitals or not, or all of them where none is.
  static func among(_ known: [String], for given: String) -> String {
    // Of a very long word nothing is like it, and comparing it would take its time.
    let near =
      given.count > 64 ? nil : known.map { ($0, distance($0.lowercased(), given.lowercased())) }.min { $0.1 < $1.1 }
    if let near, near.1 <= 2 { return "did you mean \(near.0)?" }
    return "there is \(known.joined(separator: ", "))"
  }

  /// How many letters to insert, drop or change to make one word of the other (Levenshtein).
  private static func distance(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (line, character) in first.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for column in second.indices {
        let change = diagonal + (character == second[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(change, diagonal + 1, row[column] + 1)
      }
    }
    return row[second.count]
  }
}
