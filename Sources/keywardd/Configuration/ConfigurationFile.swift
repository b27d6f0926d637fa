import CommandSupport
import Glibc
import KeywardCore
import KeywardServer

/// What `keyward.toml` says, each setting with its place; settings that it leaves out are nil.
struct ConfigurationFile: Equatable {
  /// A value and where it stands.
  struct Located<Value: Equatable>: Equatable {
    let value: Value
    let position: TOMLDocument.Position
  }

  /// Every setting there is, by its dotted path.
  enum Setting: String, CaseIterable {
    case socket = "server.socket"
    case busyPoll = "server.busy_poll"
    case database = "store.database"
    case soonUnavailable = "keys.soon_unavailable"
    case level = "log.level"

    var section: Substring { rawValue.prefix { $0 != "." } }
    var key: Substring { rawValue.drop { $0 != "." }.dropFirst() }
  }

  /// Every section there is, in the order of the example.
  static let sections = ["server", "store", "keys", "log", RightsSection.name]

  static let defaultPath = "/etc/keyward/keyward.toml"
  static let maxByteCount = 1 << 20

  let path: String
  private(set) var socketPath: Located<String>?
  private(set) var busyPoll: Located<BusyPollTime>?
  private(set) var databasePath: Located<String>?
  private(set) var soonWindow: Located<SoonWindow>?
  private(set) var logLevel: Located<LogLevel>?
  private(set) var grants: [Located<Grant>] = []
  /// The default of each limit that the file leaves out.
  private(set) var limits = Limits()
  /// Where limits stand, by the settings' names.
  private(set) var limitPositions: [String: TOMLDocument.Position] = [:]

  /// Which file to read, and whether somebody named it: one that nobody named may be missing.
  static func location(
    options: DaemonOptions, environment: [String: String]
  ) throws(ConfigurationError) -> (path: String, isNamed: Bool) {
    if let path = options.config { return (path, true) }
    guard let path = environment["KEYWARD_CONFIG"] else { return (defaultPath, false) }
    guard !path.isEmpty else { throw ConfigurationError("KEYWARD_CONFIG", "is empty: give a path, or unset it") }
    return (path, true)
  }

  /// Reads a file from disk. Blocks for as long as the disk and the host's name services do.
  /// - Returns: nil where there is none and `isNamed` is false.
  init?(path: String, isNamed: Bool, names: HostNames = .system) throws(ConfigurationError) {
    guard let bytes = try Self.contents(path, isNamed: isNamed) else { return nil }
    try self.init(path: path, bytes: bytes, names: names)
  }

  /// Reads a file's bytes.
  /// - Parameter path: for messages.
  init(path: String, bytes: [UInt8], names: HostNames = .system) throws(ConfigurationError) {
    self.path = path
    guard bytes.count <= Self.maxByteCount else {
      throw ConfigurationError(path, "is larger than 1 MiB, the most that is read")
    }
    let document: TOMLDocument
    do throws(TOMLDocument.SyntaxError) {
      document = try TOMLDocument(try Self.text(bytes, path))
    } catch {
      throw ConfigurationError(file: path, error.position, error.message)
    }
    for (index, entry) in document.entries.enumerated() {
      // What a section of rights holds is taken with it. No other path begins like that: a key with a dot in it
      // stands in quotes.
      if entry.path.hasPrefix(RightsSection.name + ".") { continue }
      try take(entry)
      guard entry.parent == nil, entry.path == RightsSection.name else { continue }
      grants = try RightsSection(index, of: document, path: path, names: names).grants
    }
  }

  private mutating func take(_ entry: TOMLDocument.Entry) throws(ConfigurationError) {
    guard entry.parent != nil else { return try checkSection(entry) }
    if let limit = Self.limit(entry.path) {
      if let advice = limit.take(entry.value, into: &limits) { throw wrong(entry, "makes no sense: \(advice)") }
      limitPositions[limit.name] = entry.valuePosition
      return
    }
    guard let setting = Setting(rawValue: entry.path) else { throw unknown(entry) }
    guard case .string(let text) = entry.value else {
      throw wrong(entry, "is \(entry.value.kind): give a string, in quotes")
    }
    guard !text.isEmpty else { throw wrong(entry, "is empty: give a value, or leave the line out") }
    switch setting {
    case .socket: socketPath = Located(value: try absolutePath(text, entry), position: entry.valuePosition)
    case .busyPoll:
      guard let time = BusyPollTime(setting: text) else {
        throw wrong(entry, "is \"\(text)\": \(BusyPollTime.settingAdvice)")
      }
      busyPoll = Located(value: time, position: entry.valuePosition)
    case .database: databasePath = Located(value: try absolutePath(text, entry), position: entry.valuePosition)
    case .soonUnavailable:
      guard let window = SoonWindow(setting: text) else {
        throw wrong(entry, "is \"\(text)\": \(SoonWindow.settingAdvice)")
      }
      soonWindow = Located(value: window, position: entry.valuePosition)
    case .level:
      guard let level = LogLevel(rawValue: text) else {
        throw wrong(entry, "is \"\(text)\": give \(LogLevel.choice)")
      }
      logLevel = Located(value: level, position: entry.valuePosition)
    }
  }

  private func checkSection(_ entry: TOMLDocument.Entry) throws(ConfigurationError) {
    guard Self.sections.contains(entry.path) else { throw unknown(entry) }
    guard entry.value == .table else {
      throw wrong(entry, "is \(entry.value.kind): it should be a section, [\(entry.path)]")
    }
  }

  /// The daemon's folder is no affair of a file's, so that a path in one says all.
  private func absolutePath(_ text: String, _ entry: TOMLDocument.Entry) throws(ConfigurationError) -> String {
    guard text.utf8.first == UInt8(ascii: "/") else {
      throw wrong(entry, "is \"\(text)\", a relative path: give an absolute one, which begins with /")
    }
    guard !text.utf8.contains(0) else { throw wrong(entry, "has a NUL in it, which no path has: leave it out") }
    return text
  }

  private func wrong(_ entry: TOMLDocument.Entry, _ message: String) -> ConfigurationError {
    ConfigurationError(file: path, entry.valuePosition, "\(entry.path) \(message)")
  }

  /// Every setting's section and key.
  private static let known: [(section: String, key: String)] =
    Setting.allCases.filter { $0.section == limitSection }.map { (limitSection, String($0.key)) }
    + LimitSetting.all.map { (limitSection, $0.name) }
    + Setting.allCases.filter { $0.section != limitSection }.map { (String($0.section), String($0.key)) }

  private static let limitSection = "server"

  private static func limit(_ path: String) -> LimitSetting? {
    LimitSetting.all.first { path == "\(limitSection).\($0.name)" }
  }

  private func unknown(_ entry: TOMLDocument.Entry) -> ConfigurationError {
    let key = entry.key ?? entry.path
    let section = entry.parent == nil ? nil : entry.path.prefix { $0 != "." }
    let advice: String
    if RightsSection.owns(key) {
      advice = "it belongs in [\(RightsSection.name)]"
    } else if let home = Self.known.first(where: { $0.key == key }) {
      advice = "it belongs in [\(home.section)]"
    } else if let section {
      advice = Suggestion.among(Self.known.filter { $0.section == section }.map(\.key), for: key)
    } else {
      advice = Suggestion.among(Self.sections.map { "[\($0)]" }, for: "[\(key)]")
    }
    let what = entry.value == .table ? "section [\(entry.path)]" : "setting \(entry.path)"
    return ConfigurationError(file: path, entry.keyPosition, "there is no \(what): \(advice)")
  }
}

// MARK: - Reading

extension ConfigurationFile {
  private static func contents(_ path: String, isNamed: Bool) throws(ConfigurationError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
      if errno == ENOENT, !isNamed { return nil }
      throw ConfigurationError(path, "cannot be opened: \(words(forErrno: errno))")
    }
    defer { close(descriptor) }
    // One byte more than may be, to see that there is more.
    var bytes = [UInt8](repeating: 0, count: maxByteCount + 1)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled)
      }
      if count > 0 {
        filled += count
      } else if count == 0 {
        break
      } else if errno != EINTR {
        throw ConfigurationError(path, "cannot be read: \(words(forErrno: errno))")
      }
    }
    bytes.removeSubrange(filled...)
    return bytes
  }

  /// The bytes as text, or an error with the first line that is none.
  private static func text(_ bytes: [UInt8], _ path: String) throws(TOMLDocument.SyntaxError) -> String {
    if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) { return text }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let index = lines.firstIndex { $0.contains(0) || String(validating: $0, as: UTF8.self) == nil } ?? 0
    throw TOMLDocument.SyntaxError(
      message: lines[index].contains(0) ? "the line has a NUL in it" : "the line is not valid UTF-8",
      position: TOMLDocument.Position(line: index + 1, column: 0))
  }
}
