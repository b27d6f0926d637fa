import ArgumentParser
import CommandSupport
import KeywardCore
import Testing

@testable import keywardd

@Suite("Configuration")
struct ConfigurationTests {
  private func configuration(
    _ arguments: [String] = [], _ environment: [String: String] = [:], _ file: String? = nil
  ) throws -> Configuration {
    let file = try file.map { try ConfigurationFile(path: "/k.toml", bytes: Array($0.utf8)) }
    return try Configuration(options: DaemonOptions.parse(arguments), environment: environment, file: file)
  }

  private let environment = [
    "KEYWARD_SOCKET": "/env/s", "KEYWARD_DATABASE": "/env/d", "KEYWARD_LOG_LEVEL": "notice",
  ]
  private let file = """
    [server]
    socket = "/file/s"
    [store]
    database = "/file/d"
    [log]
    level = "warning"
    """

  @Test("with nothing said the defaults hold")
  func defaults() throws {
    let configuration = try configuration()
    #expect(configuration.socketPath == "/run/keyward/keyward.sock")
    #expect(configuration.databasePath == "/var/lib/keyward/keyward.db")
    #expect(configuration.logLevel == .info)
    #expect(configuration.filePath == nil)
    #expect(configuration.busyPoll == .off)
    #expect(
      configuration.sources
        == .init(socketPath: .standard, databasePath: .standard, busyPoll: .standard, logLevel: .standard))
  }

  @Test("the file goes before the defaults")
  func fileFirst() throws {
    let configuration = try configuration([], [:], file)
    #expect(configuration.socketPath == "/file/s")
    #expect(configuration.databasePath == "/file/d")
    #expect(configuration.logLevel == .warning)
    #expect(configuration.filePath == "/k.toml")
    #expect(configuration.sources.databasePath.description == "/k.toml:4")
  }

  @Test("the environment goes before the file")
  func environmentFirst() throws {
    let configuration = try configuration([], environment, file)
    #expect(configuration.socketPath == "/env/s")
    #expect(configuration.databasePath == "/env/d")
    #expect(configuration.logLevel == .notice)
    #expect(configuration.sources.logLevel == .environment(variable: "KEYWARD_LOG_LEVEL"))
  }

  @Test("the command line goes before all, each setting by itself")
  func commandLineFirst() throws {
    let all = try configuration(["--socket", "s", "--database", "d", "--log-level", "debug"], environment, file)
    #expect(all.socketPath == "s")
    #expect(all.databasePath == "d")
    #expect(all.logLevel == .debug)
    #expect(all.sources.socketPath == .commandLine(option: "--socket"))
    let one = try configuration(["--socket", "s"], ["KEYWARD_DATABASE": "/env/d"], file)
    #expect((one.socketPath, one.databasePath, one.logLevel) == ("s", "/env/d", .warning))
  }

  @Test(
    "systemd's state directory is the database's by default, the first where there are several",
    arguments: [
      ("/var/lib/private/keyward", "/var/lib/private/keyward/keyward.db"), ("/a:/b", "/a/keyward.db"),
      ("", "/var/lib/keyward/keyward.db"),
    ])
  func stateDirectory(_ value: String, _ expected: String) throws {
    #expect(try configuration([], ["STATE_DIRECTORY": value]).databasePath == expected)
    #expect(try configuration([], ["STATE_DIRECTORY": value], file).databasePath == "/file/d")
  }

  @Test(
    "a variable set to nothing, or to no level, is a mistake",
    arguments: [
      (["KEYWARD_SOCKET": ""], "KEYWARD_SOCKET: is empty: give a path, or unset it"),
      (["KEYWARD_DATABASE": ""], "KEYWARD_DATABASE: is empty: give a path, or unset it"),
      (
        ["KEYWARD_LOG_LEVEL": ""],
        "KEYWARD_LOG_LEVEL: is empty: give error, warning, notice, info or debug, or unset it"
      ),
      (["KEYWARD_LOG_LEVEL": "INFO"], "KEYWARD_LOG_LEVEL: is \"INFO\": give error, warning, notice, info or debug"),
    ])
  func badVariables(_ environment: [String: String], _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try configuration([], environment) }
    #expect(error?.description == expected)
  }

  @Test("a socket's path is as long as the kernel takes it, and no longer")
  func socketLength() throws {
    let longest = "/" + String(repeating: "s", count: 106)
    #expect(try configuration(["--socket", longest]).socketPath == longest)
    let error = #expect(throws: ConfigurationError.self) { try configuration([], ["KEYWARD_SOCKET": longest + "s"]) }
    #expect(
      error?.description == "KEYWARD_SOCKET: the socket's path is 108 bytes long: give one of at most 107")
    // Bytes count, not characters.
    #expect(throws: ConfigurationError.self) {
      try configuration(["--socket", "/" + String(repeating: "é", count: 54)])
    }
  }

  @Test(
    "the socket and the database cannot be one file, however it is written",
    arguments: [
      ("/a/b", "/a/b"), ("/a/b", "/a//b"), ("/a/b", "/a/./b"), ("b", "./b"),
    ])
  func samePath(_ socket: String, _ database: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try configuration(["--socket", socket, "--database", database])
    }
    #expect(error?.place == "--socket and --database")
  }

  @Test("an absolute and a relative path are two")
  func differentPaths() throws {
    #expect(try configuration(["--socket", "/a", "--database", "a"]).databasePath == "a")
  }

  @Test(
    "a command line that is wrong is refused",
    arguments: [
      ["--socket", ""], ["--database="], ["--config", ""], ["--log-level", "loud"], ["--sokcet", "/a"], ["stray"],
      ["--socket"],
    ])
  func usage(_ arguments: [String]) {
    #expect(throws: (any Error).self) { try DaemonOptions.parse(arguments) }
    #expect(throws: (any Error).self) { try Keywardd.parseAsRoot(arguments) }
  }

  @Test("an option given twice is refused")
  func repetition() {
    #expect(objection(to: ["--socket", "/a", "--socket=/b"]) != nil)
  }
}

@Suite("[keys] soon_unavailable")
struct SoonUnavailableTests {
  private func window(_ text: String) throws -> SoonWindow? {
    try ConfigurationFile(path: "k.toml", bytes: Array("[keys]\nsoon_unavailable = \(text)".utf8)).soonWindow?.value
  }

  @Test("months and days are taken, and the default is a month")
  func values() throws {
    #expect(try window("\"1mo\"") == .oneMonth)
    #expect(try window("\"14d\"") == SoonWindow(months: 0, days: 14))
    #expect(try window("\"120mo\"")?.setting == "120mo")
    #expect(try window("\"3653d\"")?.setting == "3653d")
    let standard = try Configuration(options: DaemonOptions.parse([]), environment: [:], file: nil)
    #expect(standard.soonWindow == .oneMonth)
  }

  @Test(
    "anything else is a mistake, told with its place",
    arguments: ["0d", "0mo", "-1d", "1", "mo", "1m", "1 mo", "121mo", "3654d", "99999d", "1mo2d", "１d"])
  func mistakes(_ text: String) {
    let error = #expect(throws: ConfigurationError.self) { try window("\"\(text)\"") }
    #expect(
      error?.description
        == "k.toml:2:20: keys.soon_unavailable is \"\(text)\": give days or months, such as \"14d\" or \"1mo\", of at"
        + " most ten years")
  }

  @Test("a number without its unit is told to be no string")
  func kind() {
    let error = #expect(throws: ConfigurationError.self) { try window("14") }
    #expect(error?.description == "k.toml:2:20: keys.soon_unavailable is an integer: give a string, in quotes")
  }
}
