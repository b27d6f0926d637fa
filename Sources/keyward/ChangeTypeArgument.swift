// Public, because a public type's conformance is.
public import ArgumentParser
public import KeywardCore

extension ChangeType: ExpressibleByArgument {
  public init?(argument: String) {
    guard let type = Self.allCases.first(where: { $0.name == argument }) else { return nil }
    self = type
  }

  public static var allValueStrings: [String] { allCases.map(\.name) }
  /// None: argument-parser's own would be what `String(describing:)` makes of it.
  public static var allValueDescriptions: [String: String] { [:] }
  public var defaultValueDescription: String { name }
}
