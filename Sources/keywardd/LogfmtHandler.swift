import Glibc
import KeywardCore
import Logging
import Synchronization

/// From which level on is logged, which may change while the daemon runs.
///
/// Concurrency: for every thread.
final class LogThreshold: Sendable {
  private static let levels = LogLevel.allCases
  private let index: Atomic<Int>

  init(_ level: LogLevel) {
    index = Atomic(Self.index(of: level))
  }

  var level: LogLevel {
    get { Self.levels[index.load(ordering: .relaxed)] }
    set { index.store(Self.index(of: newValue), ordering: .relaxed) }
  }

  private static func index(of level: LogLevel) -> Int {
    guard let index = levels.firstIndex(of: level) else { preconditionFailure("every level is a case") }
    return index
  }
}

/// Writes one line an event to standard error: `2027-01-31T12:00:00.000Z info key created key=key_… by=ann`.
///
/// Where the journal reads, which knows the time, the line begins with a priority instead (sd-daemon(3)): `<6>`.
struct LogfmtHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  private let threshold: LogThreshold
  /// Set on one logger, it goes before the threshold of all.
  private var ownLevel: Logger.Level?
  private let toJournal: Bool
  private let now: @Sendable () -> Instant

  init(threshold: LogThreshold, toJournal: Bool, now: @escaping @Sendable () -> Instant) {
    self.threshold = threshold
    self.toJournal = toJournal
    self.now = now
  }

  var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level.logger }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = Self.line(
      level: event.level, message: event.message.description,
      fields: metadata.isEmpty ? event.metadata ?? [:] : metadata.merging(event.metadata ?? [:]) { $1 },
      prefix: toJournal ? nil : now().description)
    // One write a line, so that lines of several threads do not mix. Nothing can be done about one that fails.
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// - Parameter prefix: the time; nil for a line that the journal reads.
  static func line(
    level: Logger.Level, message: String, fields: Logger.Metadata, prefix: String?
  ) -> String {
    var line = ""
    line.reserveCapacity(160)
    if let prefix {
      line += prefix
      line += " "
      line += level.rawValue
      line += " "
    } else {
      line += "<\(priority(of: level))>"
    }
    line += escaped(message)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line += " "
      line += key
      line += "="
      line += quoted(value.description)
    }
    line += "\n"
    return line
  }

  /// syslog(3)'s priorities.
  private static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  /// A value with anything in it that could be taken for the end of it stands in quotes.
  private static func quoted(_ value: String) -> String {
    // Nearly every value: nothing of Unicode has to be looked up.
    if !value.isEmpty, value.utf8.allSatisfy({ isPlainASCII($0) }) { return value }
    let isPlain = value.unicodeScalars.allSatisfy { scalar in
      !scalar.properties.isWhitespace && scalar != "\"" && scalar != "=" && scalar != "\\" && isPrintable(scalar)
    }
    return isPlain && !value.isEmpty ? value : "\"" + escaped(value, quoting: true) + "\""
  }

  /// Nothing that a peer named can break the line or the terminal.
  private static func escaped(_ text: String, quoting: Bool = false) -> String {
    if text.utf8.allSatisfy({ isPlainASCII($0) || $0 == UInt8(ascii: " ") }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if !isPrintable(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        if quoting, scalar == "\"" || scalar == "\\" { result += "\\" }
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Visible, and of no meaning to a line.
  private static func isPlainASCII(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): false
    default: (0x21...0x7E).contains(byte)
    }
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    default: true
    }
  }
}
