// Public, because a public type's conformance is.
public import ArgumentParser
public import KeywardCore

extension Permission: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(name: argument)
  }

  public static var allValueStrings: [String] { allCases.map(\.name) }
  /// None: argument-parser's own would be what `String(describing:)` makes of it.
  public static var allValueDescriptions: [String: String] { [:] }
  public var defaultValueDescription: String { name }
}
