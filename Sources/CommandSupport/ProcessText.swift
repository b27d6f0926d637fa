import Glibc

/// The process's arguments, without its name; nil where one of them is not UTF-8. Swift would read such a one with
/// replacement characters, and a path or a name would become another.
public func argumentsInUTF8() -> [String]? {
  var texts: [String] = []
  for index in 1..<max(1, Int(CommandLine.argc)) {
    guard let argument = CommandLine.unsafeArgv[index], let text = String(validatingCString: argument) else {
      return nil
    }
    texts.append(text)
  }
  return texts
}

/// A variable of the environment.
public enum EnvironmentValue {
  case absent
  case text(String)
  case notUTF8

  public init(_ name: String) {
    guard let value = getenv(name) else {
      self = .absent
      return
    }
    self = String(validatingCString: value).map { .text($0) } ?? .notUTF8
  }
}

/// What is said to somebody whose arguments are not UTF-8.
public let argumentsNotUTF8 = "an argument is not UTF-8: give text in UTF-8"
