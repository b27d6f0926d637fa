import KeywardCore
import KeywardServer

/// How the daemon is to run, and who said so: the command line, else the environment, else the file, else the default.
struct Configuration: Equatable {
  /// Where a setting came from.
  enum Source: Equatable, CustomStringConvertible {
    case commandLine(option: String)
    case environment(variable: String)
    case file(path: String, line: Int)
    case standard

    var description: String {
      switch self {
      case .commandLine(let option): option
      case .environment(let variable): variable
      case .file(let path, let line): "\(path):\(line)"
      case .standard: "default"
      }
    }
  }

  struct Sources: Equatable {
    let socketPath: Source
    let databasePath: Source
    let busyPoll: Source
    let logLevel: Source
  }

  static let defaultSocketPath = "/run/keyward/keyward.sock"
  /// Where the database lies if systemd gives no state directory.
  static let stateDirectory = "/var/lib/keyward"
  static let defaultLogLevel = LogLevel.info

  /// What `sun_path` of a socket's address holds beside the NUL at its end (unix(7)).
  static let maxSocketPathByteCount = 107

  let socketPath: String
  let databasePath: String
  let logLevel: LogLevel
  /// How long a reactor asks for more before it waits. Only the file can say it.
  let busyPoll: BusyPollTime
  /// How long before its end a key counts as soon unavailable. Only the file can say it.
  let soonWindow: SoonWindow
  /// What users and groups may do. Only the file can say it.
  let grants: [Grant]
  /// What peers may make the server hold. Only the file can say it.
  let limits: Limits
  /// Where those limits come from that the file has, by the settings' names.
  let limitSources: [String: Source]
  let sources: Sources
  /// The configuration file that was read; nil where there is none.
  let filePath: String?

  /// - Parameters:
  ///   - environment: the process's, by names.
  ///   - file: nil where there is none.
  init(
    options: DaemonOptions, environment: [String: String], file: ConfigurationFile?
  ) throws(ConfigurationError) {
    let choice = Choice(environment: environment, filePath: file?.path ?? "")
    let socket = try choice.path(
      (options.socket, "--socket"), "KEYWARD_SOCKET", file?.socketPath, default: Self.defaultSocketPath)
    let database = try choice.path(
      (options.database, "--database"), "KEYWARD_DATABASE", file?.databasePath,
      default: Self.defaultDatabasePath(environment))
    let level = try choice.level((options.logLevel, "--log-level"), "KEYWARD_LOG_LEVEL", file?.logLevel)

    let byteCount = socket.value.utf8.count
    guard byteCount <= Self.maxSocketPathByteCount else {
      throw ConfigurationError(
        socket.source.description,
        "the socket's path is \(byteCount) bytes long: give one of at most \(Self.maxSocketPathByteCount)")
    }
    guard Self.components(socket.value) != Self.components(database.value) else {
      throw ConfigurationError(
        "\(socket.source) and \(database.source)",
        "the socket and the database have the same path, \(socket.value): give them different ones")
    }
    socketPath = socket.value
    databasePath = database.value
    logLevel = level.value
    busyPoll = file?.busyPoll?.value ?? .off
    soonWindow = file?.soonWindow?.value ?? .oneMonth
    grants = file?.grants.map(\.value) ?? []
    limits = file?.limits ?? Limits()
    limitSources = (file?.limitPositions ?? [:]).mapValues { .file(path: file?.path ?? "", line: $0.line) }
    sources = Sources(
      socketPath: socket.source, databasePath: database.source, busyPoll: choice.source(of: file?.busyPoll),
      logLevel: level.source)
    filePath = file?.path
  }

  /// Reads the configuration from where the command line and the environment say. Blocks for as long as the disk and
  /// the host's name services do.
  /// - Parameter mustHaveFile: whether the file has to be there though nobody named it.
  static func read(
    options: DaemonOptions, environment: [String: String], mustHaveFile: Bool = false
  ) throws(ConfigurationError) -> Configuration {
    let location = try ConfigurationFile.location(options: options, environment: environment)
    let file = try ConfigurationFile(path: location.path, isNamed: location.isNamed || mustHaveFile)
    return try Configuration(options: options, environment: environment, file: file)
  }

  /// systemd names the folder it made for the unit, the first of several where they are separated by colons
  /// (systemd.exec(5), RuntimeDirectory=).
  private static func defaultDatabasePath(_ environment: [String: String]) -> String {
    let first = environment["STATE_DIRECTORY"]?.split(separator: ":").first
    return (first.map(String.init) ?? stateDirectory) + "/keyward.db"
  }

  /// Tells paths apart as far as that can be done without looking at the disk.
  private static func components(_ path: String) -> [Substring] {
    (path.hasPrefix("/") ? ["/"] : []) + path.split(separator: "/").filter { $0 != "." }
  }
}

/// One setting's value from the first source that has it.
private struct Choice {
  typealias Found<Value> = (value: Value, source: Configuration.Source)

  let environment: [String: String]
  let filePath: String

  func path(
    _ option: (value: String?, name: String), _ variable: String, _ located: ConfigurationFile.Located<String>?,
    default standard: String
  ) throws(ConfigurationError) -> Found<String> {
    if let value = option.value { return (value, .commandLine(option: option.name)) }
    if let value = try text(variable, "give a path") { return (value, .environment(variable: variable)) }
    return found(in: located) ?? (standard, .standard)
  }

  func level(
    _ option: (value: LogLevel?, name: String), _ variable: String, _ located: ConfigurationFile.Located<LogLevel>?
  ) throws(ConfigurationError) -> Found<LogLevel> {
    if let value = option.value { return (value, .commandLine(option: option.name)) }
    if let text = try text(variable, "give \(LogLevel.choice)") {
      guard let value = LogLevel(rawValue: text) else {
        throw ConfigurationError(variable, "is \"\(text)\": give \(LogLevel.choice)")
      }
      return (value, .environment(variable: variable))
    }
    return found(in: located) ?? (Configuration.defaultLogLevel, .standard)
  }

  /// A variable that is set to nothing is a mistake: taken for one that is not set, it would send the daemon to
  /// another database than was meant, and an empty one knows no key.
  private func text(_ variable: String, _ advice: String) throws(ConfigurationError) -> String? {
    let text = environment[variable]
    guard text?.isEmpty != true else { throw ConfigurationError(variable, "is empty: \(advice), or unset it") }
    return text
  }

  func source<Value>(of located: ConfigurationFile.Located<Value>?) -> Configuration.Source {
    found(in: located)?.source ?? .standard
  }

  private func found<Value>(in located: ConfigurationFile.Located<Value>?) -> Found<Value>? {
    located.map { ($0.value, .file(path: filePath, line: $0.position.line)) }
  }
}
