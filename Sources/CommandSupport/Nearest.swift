/// The words that are most like a mistyped one, upper and lower case alike: at most three, the nearest first, and those
/// that hold it whole after them. None where nothing is like it.
public func nearest(to given: String, among known: [String]) -> [String] {
  // Of a very long word nothing is like it, and comparing it would take its time.
  let wanted = Array(given.lowercased())
  guard !wanted.isEmpty, wanted.count <= 128 else { return [] }
  let limit = wanted.count < 3 ? 1 : max(2, wanted.count / 4)
  var found: [(word: String, distance: Int)] = []
  for word in known {
    let letters = Array(word.lowercased())
    if abs(letters.count - wanted.count) <= limit {
      let distance = distance(wanted, letters)
      if distance <= limit {
        found.append((word, distance))
        continue
      }
    }
    if wanted.count >= 3, letters.count <= 128, String(letters).contains(String(wanted)) {
      found.append((word, limit + 1))
    }
  }
  // Sorting keeps no order among equals by itself.
  let ranked = found.enumerated().sorted { ($0.element.distance, $0.offset) < ($1.element.distance, $1.offset) }
  guard let best = ranked.first?.element.distance else { return [] }
  return ranked.prefix { $0.element.distance <= best + 1 }.prefix(3).map(\.element.word)
}

/// How many letters to insert, drop or change to make one word of the other (Levenshtein).
private func distance(_ first: [Character], _ second: [Character]) -> Int {
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
