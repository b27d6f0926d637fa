/// What is wrong with a command line that the parser would let pass, nil where nothing is. Goes on after the program's
/// name.
///
/// - An option given twice: the last one would win, and a person who wrote both would not learn which.
/// - A word behind a single dash: it would be read letter by letter, and help given for an `h` among them.
///
/// A value that begins with a dash is written as `--option=-value`; what comes after a `--` alone is no option.
///
/// - Parameters:
///   - repeatable: options of which every value counts.
///   - shown: how to repeat a word; nil for one that is not to be.
public func objection(
  to arguments: some Sequence<String>, repeatable: Set<String> = [], shown: (String) -> String? = { _ in nil }
) -> String? {
  var seen: Set<Substring> = []
  var previous = ""
  for argument in arguments {
    defer { previous = argument }
    if argument == "--" { return nil }
    guard argument.hasPrefix("-"), argument != "-", argument != "-h" else { continue }
    guard argument.hasPrefix("--") else {
      let word = shown(argument)
      let isValue = previous.hasPrefix("--") && !previous.contains("=")
      let remedy =
        isValue ? "as the value of \(previous) it is written \(previous)=\(word ?? "…"), and " : ""
      return "\(word.map { "\"\($0)\"" } ?? "a word") begins with a single dash, and options begin with two: \(remedy)"
        + "any other word may stand after a -- alone, at the end"
    }
    let option = argument.prefix { $0 != "=" }
    guard repeatable.contains(String(option)) || seen.insert(option).inserted else {
      return "\(option) is given more than once: give it once"
    }
  }
  return nil
}
