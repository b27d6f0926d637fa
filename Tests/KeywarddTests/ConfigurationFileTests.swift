import ArgumentParser
import KeywardServer
import Testing

@testable import keywardd

@Suite("ConfigurationFile")
struct ConfigurationFileTests {
  private func read(_ text: String) throws -> ConfigurationFile {
    try ConfigurationFile(path: "k.toml", bytes: Array(text.utf8))
  }

  @Test("what the file says is taken with its place")
  func settings() throws {
    let file = try read("[server]\nsocket = \"/a\"\n[store]\ndatabase = \"/b\"\n[log]\n  level = \"debug\"\n")
    #expect(file.socketPath?.value == "/a")
    #expect(file.databasePath?.value == "/b")
    #expect(file.logLevel == .init(value: .debug, position: .init(line: 6, column: 11)))
  }

  @Test("a time of busy polling is a whole number and a unit, up to ten milliseconds")
  func busyPoll() throws {
    for (text, nanoseconds) in [("0us", 0), ("50us", 50_000), ("1ms", 1_000_000), ("10ms", 10_000_000)] {
      #expect(try read("[server]\nbusy_poll = \"\(text)\"").busyPoll?.value.nanoseconds == UInt64(nanoseconds))
    }
    for text in ["us", "-1us", "1.5ms", "11ms", "10001us", "1s", "1 ms", "99999999999999999999us", "٣us"] {
      #expect(throws: ConfigurationError.self) { try read("[server]\nbusy_poll = \"\(text)\"") }
    }
  }

  @Test("each limit has its default where the file is silent, and else what the file says, within bounds")
  func limits() throws {
    #expect(try read("").limits == Limits())
    let read = try read(
      """
      [server]
      grpc = false
      connections = 20
      streams_per_connection = 4_096
      idle_timeout = "0s"
      handshake_timeout = "250ms"
      keepalive_interval = "2h"
      """
    ).limits
    var expected = Limits()
    expected.speaksGRPC = false
    expected.connections = 20
    expected.streamsPerConnection = 4096
    expected.idleSeconds = 0
    expected.handshakeSeconds = 0.25
    expected.keepaliveSeconds = 7200
    #expect(read == expected)
    for wrong in [
      "connections = 15", "connections = -1", "connections = 9223372036854775807", "connections = 20.0",
      "streams_per_connection = 0", "message_bytes = 4194305", "handshake_timeout = \"0s\"",
      "keepalive_timeout = \"0s\"", "idle_timeout = \"\"", "idle_timeout = \"-1s\"", "idle_timeout = \"s\"",
      "idle_timeout = 30", "idle_timeout = \"9999999999h\"", "grpc = 1",
    ] {
      #expect(throws: ConfigurationError.self, "\(wrong)") { try self.read("[server]\n\(wrong)") }
    }
  }

  @Test("what the file leaves out is left open")
  func empty() throws {
    #expect(try read("") == read("[server]\n[store]\n[log]\n"))
    #expect(try read("").socketPath == nil)
  }

  @Test(
    "a mistake is told with its place and what would be right",
    arguments: [
      ("[sever]\nsocket = \"/a\"", "k.toml:1:2: there is no section [sever]: did you mean [server]?"),
      ("[server]\nsokcet = \"/a\"", "k.toml:2:1: there is no setting server.sokcet: did you mean socket?"),
      (
        "[server]\nlisten = \"/a\"",
        "k.toml:2:1: there is no setting server.listen: there is socket, busy_poll, grpc, connections, connections_per_user, unsent_bytes, "
          + "handshake_timeout, request_timeout, stall_timeout, idle_timeout, keepalive_interval, keepalive_timeout, streams_per_connection, "
          + "header_fields, header_bytes, message_bytes, resets_per_second, control_frames_per_second, "
          + "streamed_bytes, streamed_bytes_per_connection, watchers, watchers_per_user, watch_backlog"
      ),
      (
        "[server]\nheader_bytes = \"1\"",
        "k.toml:2:16: server.header_bytes makes no sense: give a number from 1024 to 65536"
      ),
      ("[server]\ngrpc = \"no\"", "k.toml:2:8: server.grpc makes no sense: give true or false"),
      (
        "[server]\nidle_timeout = \"1d\"",
        "k.toml:2:16: server.idle_timeout makes no sense: give a time in ms, s, m or h (\"30s\"), \"0s\" for never, at most 31536000s"
      ),
      (
        "[server]\nstream_per_conection = 1",
        "k.toml:2:1: there is no setting server.stream_per_conection: did you mean streams_per_connection?"
      ),
      ("[server]\nbusy_poll = 50", "k.toml:2:13: server.busy_poll is an integer: give a string, in quotes"),
      (
        "[server]\nbusy_poll = \"50\"",
        "k.toml:2:13: server.busy_poll is \"50\": give a number of microseconds (\"50us\") or milliseconds (\"1ms\"), at most 10ms"
      ),
      ("[tls]\n", "k.toml:1:2: there is no section [tls]: there is [server], [store], [keys], [log], [rights]"),
      ("socket = \"/a\"", "k.toml:1:1: there is no setting socket: it belongs in [server]"),
      ("[log]\nsocket = \"/a\"", "k.toml:2:1: there is no setting log.socket: it belongs in [server]"),
      ("[server]\nsocket = 7", "k.toml:2:10: server.socket is an integer: give a string, in quotes"),
      ("[server]\nsocket = [\"/a\"]", "k.toml:2:10: server.socket is an array: give a string, in quotes"),
      ("server = \"/a\"", "k.toml:1:10: server is a string: it should be a section, [server]"),
      ("[[server]]\n", "k.toml:1:1: server is an array: it should be a section, [server]"),
      ("[server]\nsocket = \"\"", "k.toml:2:10: server.socket is empty: give a value, or leave the line out"),
      (
        "[store]\ndatabase = \"k.db\"",
        "k.toml:2:12: store.database is \"k.db\", a relative path: give an absolute one, which begins with /"
      ),
      (
        "[store]\ndatabase = \"/k\\u0000.db\"",
        "k.toml:2:12: store.database has a NUL in it, which no path has: leave it out"
      ),
      (
        "[log]\nlevel = \"loud\"", "k.toml:2:9: log.level is \"loud\": give error, warning, notice, info or debug"
      ),
      ("[server.socket]\n", "k.toml:1:1: server.socket is a table: give a string, in quotes"),
      (
        "\"server.socket\" = \"/a\"",
        "k.toml:1:1: there is no setting \"server.socket\": there is [server], [store], [keys], [log], [rights]"
      ),
    ])
  func mistakes(_ text: String, _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.description == expected)
  }

  @Test("a setting that stands twice is an error, not the last taken")
  func repetition() {
    let error = #expect(throws: ConfigurationError.self) { try read("[log]\nlevel = \"info\"\nlevel = \"debug\"") }
    #expect(error?.place.hasPrefix("k.toml:3") == true)
  }

  @Test("bytes that are no text are an error that names their line")
  func notText() {
    let broken = #expect(throws: ConfigurationError.self) {
      try ConfigurationFile(path: "k.toml", bytes: Array("[log]\n# ".utf8) + [0xFF, 0x0A])
    }
    #expect(broken?.description == "k.toml:2: the line is not valid UTF-8")
    let nul = #expect(throws: ConfigurationError.self) { try read("\n\n# \0\n") }
    #expect(nul?.description == "k.toml:3: the line has a NUL in it")
  }

  @Test("a file of more than 1 MiB is refused, from an endless one too")
  func tooLarge() throws {
    let spaces = [UInt8](repeating: UInt8(ascii: "\n"), count: ConfigurationFile.maxByteCount)
    #expect(try ConfigurationFile(path: "k.toml", bytes: spaces).socketPath == nil)
    #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: "k.toml", bytes: spaces + spaces) }
    let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: "/dev/zero", isNamed: true) }
    #expect(error?.description == "/dev/zero: is larger than 1 MiB, the most that is read")
  }

  @Test("only a file that nobody named may be missing")
  func missing() throws {
    #expect(try ConfigurationFile(path: "/nonexistent/k.toml", isNamed: false) == nil)
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationFile(path: "/nonexistent/k.toml", isNamed: true)
    }
    #expect(error?.description == "/nonexistent/k.toml: cannot be opened: No such file or directory")
    #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: "/", isNamed: false) }
  }

  @Test("the file is the command line's, else the environment's, else the usual one")
  func location() throws {
    func location(_ arguments: [String], _ environment: [String: String]) throws -> (path: String, isNamed: Bool) {
      try ConfigurationFile.location(options: DaemonOptions.parse(arguments), environment: environment)
    }
    #expect(try location(["--config", "a"], ["KEYWARD_CONFIG": "b"]) == ("a", true))
    #expect(try location([], ["KEYWARD_CONFIG": "b"]) == ("b", true))
    #expect(try location([], [:]) == ("/etc/keyward/keyward.toml", false))
    #expect(throws: ConfigurationError.self) { _ = try location([], ["KEYWARD_CONFIG": ""]) }
  }
}
