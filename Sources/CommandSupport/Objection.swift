/// What is wrong with a command line that the parser would let pass, nil where nothing is. Goes on after the program's
/// name, and repeats no value.
///
/// - An option given twice: the last one would win, and a person who wrote both would not learn which.
/// - A word behind a single dash: it would be read letter by letter, and help given for an `h` among them.
///
/// No option of ours takes a value that begins with a dash; what comes after a `--` alone is no option.
///
/// - Parameter repeatable: options of which every value counts.
public func objection(to arguments: some Sequence<String>, repeatable: Set<String> = []) -> String? {
  var seen: Set<Substring> = []
  for argument in arguments {
    if argument == "--" { return nil }
    guard argument.hasPrefix("-"), argument != "-", argument != "-h" else { continue }
    guard argument.hasPrefix("--") else {
      return "a word begins with a single dash: options begin with two, and after a -- alone any word may stand"
    }
    let option = argument.prefix { $0 != "=" }
    guard repeatable.contains(String(option)) || seen.insert(option).inserted else {
      return "\(option) is given more than once: give it once"
    }
  }
  return nil
}
