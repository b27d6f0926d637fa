import ArgumentParser
import Logging

/// From which level on the daemon logs; the most urgent first.
enum LogLevel: String, CaseIterable, ExpressibleByArgument, Comparable {
  case error
  case warning
  case notice
  case info
  case debug

  var logger: Logger.Level {
    switch self {
    case .error: .error
    case .warning: .warning
    case .notice: .notice
    case .info: .info
    case .debug: .debug
    }
  }

  /// The one that logs less comes first.
  static func < (a: LogLevel, b: LogLevel) -> Bool { a.logger > b.logger }

  /// For messages: `error, warning, notice, info or debug`.
  static let choice: String = {
    let names = allCases.map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }()
}
