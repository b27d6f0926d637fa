import Foundation
import KeywardClient
import KeywardCore
import TestSupport
import Testing

private let faketime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

/// A real daemon whose wall clock the test sets.
@Suite(
  .enabled(
    if: FileManager.default.fileExists(atPath: faketime),
    "libfaketime is not installed (Debian package libfaketime), so no clock can be stepped"))
struct ClockStepTests {
  private let scratch: Scratch
  private let daemon: Daemon

  init() throws {
    scratch = try Scratch()
    try Self.set("2027-03-01 12:00:00", in: scratch)
    daemon = try Self.start(scratch)
  }

  /// By way of env(1): libfaketime adds a variable to an environment that it has not seen before, which moves the
  /// environment, and Swift would no longer find the arguments before it.
  private static func start(_ scratch: Scratch) throws -> Daemon {
    try Daemon(
      scratch, wrapper: ["/usr/bin/env"],
      environment: [
        "LD_PRELOAD": faketime, "FAKETIME_TIMESTAMP_FILE": file(scratch), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC",
      ])
  }

  private static func file(_ scratch: Scratch) -> String { scratch.closed + "/time" }

  /// A time that stands still until the next call.
  private static func set(_ time: String, in scratch: Scratch) throws {
    try (time + "\n").write(toFile: file(scratch), atomically: true, encoding: .utf8)
  }

  /// The audit's types, once there are so many; what there is after half a minute of asking.
  private func types(_ count: Int, _ client: Client) throws -> [ChangeType] {
    var types: [ChangeType] = []
    let end = ContinuousClock.now + .seconds(30)
    repeat {
      types = try client.listAuditEvents(AuditPageQuery(AuditQuery())).events.reversed().map(\.type)
    } while types.count < count && ContinuousClock.now < end
    return types
  }

  @Test func `A clock that steps forward ends a key, and one that steps back does not bring it back`() throws {
    let client = try daemon.client()
    let end = try #require(Instant(rfc3339: "2027-06-01T00:00:00Z"))
    let (view, secret) = try client.createKey(
      CreateKey(name: try KeyName("k"), permission: .chat, expireTime: end))
    #expect(try client.validate(secret, for: .chat).verdict == .valid)

    try Self.set("2027-06-01 00:00:05", in: scratch)
    #expect(try client.validate(secret, for: .chat).verdict == .expired, "nothing waits for the sweeper")
    // The next change has it look at the clock; by itself it does so every half minute.
    _ = try client.createKey(CreateKey(name: try KeyName("other"), permission: .chat))
    // The sweeper may have come by itself before.
    #expect(try types(3, client).sorted { $0.rawValue < $1.rawValue } == [.created, .created, .expired])
    #expect(daemon.logText.contains("key expired"))

    try Self.set("2027-03-01 12:00:00", in: scratch)
    #expect(try client.validate(secret, for: .chat).verdict == .expired)
    #expect(try client.key(id: view.key.id).state == .expired)
    #expect(try client.status().currentTime >= end)
    #expect(daemon.end() == 0)
    let again = try Self.start(scratch)
    #expect(try again.client().validate(secret, for: .chat).verdict == .expired)
    #expect(try types(3, again.client()).sorted { $0.rawValue < $1.rawValue } == [.created, .created, .expired])
  }
}
