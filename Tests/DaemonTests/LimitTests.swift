import Dispatch
import Foundation
import KeywardClient
import KeywardCore
import Synchronization
import TestSupport
import Testing

/// Limits of keys against a real daemon, its ends included.
@Suite struct LimitTests {
  private func make(_ daemon: Daemon, _ rate: RateLimit?, _ total: Int64?) throws -> (id: KeyID, secret: Secret) {
    let request = CreateKey(
      name: try KeyName("k"), permission: .chat, rateLimit: rate, useLimit: try total.map { try UseLimit(total: $0) })
    let (view, secret) = try daemon.client().createKey(request)
    return (view.key.id, secret)
  }

  /// Uses a key so often, or until its total is used up.
  /// - Returns: how often it was found valid.
  private func use(_ secret: Secret, _ client: Client, atMost limit: Int = .max) throws -> Int {
    var granted = 0
    while granted < limit {
      switch try client.validate(secret, for: .chat).verdict {
      case .valid: granted += 1
      case .usageExceeded: return granted
      case let other: throw UnexpectedVerdict(verdict: other)
      }
    }
    return granted
  }

  private struct UnexpectedVerdict: Error {
    let verdict: Verdict
  }

  @Test(arguments: [1, 2, 3, 5, 10, 50])
  func `A total is granted back to back on one connection, and then it is used up`(total: Int64) throws {
    let daemon = try Daemon()
    let secret = try make(daemon, nil, total).secret
    let client = try daemon.client()
    for _ in 1...total { #expect(try client.validate(secret, for: .chat).verdict == .valid) }
    for _ in 1...3 { #expect(try client.validate(secret, for: .chat).verdict == .usageExceeded) }
  }

  @Test func `A batch is granted a whole total, and the next one nothing`() throws {
    let daemon = try Daemon()
    let secret = try make(daemon, nil, 10).secret
    let batch = Array(repeating: (secret: secret, permission: Permission.chat), count: 10)
    let client = try daemon.client()
    #expect(try client.validate(batch).map(\.verdict) == Array(repeating: .valid, count: 10))
    #expect(try client.validate(batch).map(\.verdict) == Array(repeating: .usageExceeded, count: 10))
  }

  @Test(arguments: [(1000, 16), (5000, 8)])
  func `Many connections are granted the total between them, exactly`(total: Int, connections: Int) throws {
    let daemon = try Daemon()
    let secret = try make(daemon, nil, Int64(total)).secret.text
    let options = Client.Options(socketPath: daemon.scratch.socket)
    let granted = Atomic(0)
    let failed = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: connections) { _ in
      do {
        granted.add(try use(.text(secret), Client(options)), ordering: .relaxed)
      } catch {
        failed.add(1, ordering: .relaxed)
      }
    }
    #expect(failed.load(ordering: .relaxed) == 0)
    #expect(granted.load(ordering: .relaxed) == total)
  }

  @Test func `A daemon that is killed loses no use of keys that were not used`() throws {
    var daemon = try Daemon()
    let names = ["one", "daily", "many"]
    let limits = [try UseLimit(total: 1), try UseLimit(total: 1, refill: .daily), try UseLimit(total: 300)]
    let secrets = try zip(names, limits).map { name, limit in
      try daemon.client().createKey(CreateKey(name: try KeyName(name), permission: .chat, useLimit: limit)).secret
    }
    for _ in 1...2 {
      #expect(daemon.end(SIGKILL) == -SIGKILL)
      daemon = try Daemon(daemon.scratch)
    }
    // Midnight may come between two validations of the daily one.
    #expect(try secrets.map { try daemon.client().validate($0, for: .chat).verdict } == [.valid, .valid, .valid])
    #expect(try daemon.client().validate(secrets[0], for: .chat).verdict == .usageExceeded)
    #expect(try use(secrets[2], daemon.client()) == 299)
  }

  @Test(arguments: [(300, 10), (8, 0)])
  func `Whenever the daemon is killed, no use is granted twice, and a block at most is lost`(
    total: Int, block: Int
  ) throws {
    var daemon = try Daemon()
    let kills = 12
    let secret = try make(daemon, nil, Int64(total)).secret
    var generator = SampleGenerator(seed: 7)
    var granted = 0
    for _ in 0..<kills {
      granted += try use(secret, daemon.client(), atMost: .random(in: 0...total / 15, using: &generator))
      #expect(daemon.end(SIGKILL) == -SIGKILL)
      daemon = try Daemon(daemon.scratch)
    }
    granted += try use(secret, daemon.client())
    #expect(granted <= total && granted >= total - kills * block)
    #expect(try daemon.client().validate(secret, for: .chat).verdict == .usageExceeded)
  }

  @Test func `Killed while many validate, the daemon grants nothing twice`() throws {
    var daemon = try Daemon()
    let (total, block) = (20_000, 200)
    let (connections, kills) = (8, 4)
    let text = try make(daemon, nil, Int64(total)).secret.text
    let granted = Counter()
    for _ in 0..<kills {
      let options = Client.Options(socketPath: daemon.scratch.socket)
      let served = Counter()
      let isTime = DispatchSemaphore(value: 0)
      let over = DispatchGroup()
      for _ in 0..<connections {
        DispatchQueue.global().async(group: over) {
          guard let client = try? Client(options) else { return }
          while (try? client.validate(.text(text), for: .chat).verdict) == .valid {
            granted.add()
            if served.add() == 100 { isTime.signal() }
          }
          isTime.signal()
        }
      }
      try #require(isTime.wait(timeout: .now() + 30) == .success)
      #expect(daemon.end(SIGKILL) == -SIGKILL)
      over.wait()
      daemon = try Daemon(daemon.scratch)
    }
    let sum = try granted.add(use(.text(text), daemon.client()))
    // Lost are a block at each kill, and what was granted and not told.
    #expect(sum <= total && sum >= total - kills * (block + connections))
  }

  private final class Counter: Sendable {
    private let value = Atomic(0)

    @discardableResult
    func add(_ count: Int = 1) -> Int { value.add(count, ordering: .relaxed).newValue }
  }

  @Test func `A daemon that ends in peace loses no use`() throws {
    var daemon = try Daemon()
    let secret = try make(daemon, nil, 40).secret
    var granted = 0
    for count in [1, 0, 7, 2] {
      granted += try use(secret, daemon.client(), atMost: count)
      #expect(daemon.end() == 0)
      daemon = try Daemon(daemon.scratch)
    }
    #expect(try granted + use(secret, daemon.client()) == 40)
  }

  @Test func `The verbs set, show and lift limits, and validate tells of them`() throws {
    let daemon = try Daemon()
    func answer(_ arguments: String...) throws -> [String: Any] {
      let command = try Command.keyward(arguments + ["--output", "json"], at: daemon.scratch)
      try #require(command.status == 0, "\(arguments): \(command.errors)")
      return command.json
    }
    let made = try answer(
      "create", "k", "--permission", "chat", "--rate", "2/1h,burst=1", "--uses", "1000/monthly")
    let key = try #require(made["key"] as? [String: Any])
    #expect(key["rateLimit"] as? [String: String] == ["count": "2", "period": "3600s", "burst": "1"])
    #expect(key["useLimit"] as? [String: String] == ["total": "1000", "refill": "REFILL_MONTHLY"])
    let secret = try #require(made["secret"] as? String)
    func validate(_ form: String) throws -> Command {
      try Command.keyward(["validate", "--permission", "chat", "--output", form], at: daemon.scratch, input: secret)
    }
    #expect(try validate("json").status == 0)
    let refused = try validate("json")
    #expect(refused.status == 1 && refused.json["verdict"] as? String == "VERDICT_RATE_LIMITED")
    #expect(refused.json["retryTime"] as? String == refused.json["validUntilTime"] as? String)
    #expect(try validate("table").output.contains("try again"))
    #expect(try Command.keyward(["show", "k"], at: daemon.scratch).output.contains("2/1h,burst=1"))
    #expect(
      try Command.keyward(["list"], at: daemon.scratch).output.contains("2/1h,burst=1 1000/monthly (999 left)"))
    let card = try Command.keyward(["show", "k"], at: daemon.scratch).output
    #expect(card.contains("999 of 1000 uses left, refilled 2") && card.contains("-01 00:00 UTC"))
    let shown = try answer("show", "k")["key"] as? [String: Any]
    let usage = shown?["usage"] as? [String: String]
    #expect(usage?["remaining"] == "999" && usage?["refillTime"]?.hasSuffix("-01T00:00:00Z") == true)
    let changed = try #require(try answer("limit", "k", "--rate", "none", "--uses", "1")["key"] as? [String: Any])
    #expect(
      changed["rateLimit"] == nil
        && changed["useLimit"] as? [String: String] == ["total": "1", "refill": "REFILL_NEVER"]
        && changed["usage"] as? [String: String] == ["remaining": "1"])
    #expect(try validate("json").status == 0)
    let used = try validate("json")
    #expect(
      used.status == 1 && used.json["verdict"] as? String == "VERDICT_USAGE_EXCEEDED" && used.json["retryTime"] == nil)
    #expect(try Command.keyward(["show", "k"], at: daemon.scratch).output.contains("0 of 1 use left\n"))
    let lifted = try #require(try answer("limit", "k", "--uses", "none")["key"] as? [String: Any])
    #expect(lifted["usage"] == nil)
    #expect(try Command.keyward(["audit"], at: daemon.scratch).output.contains("uses unlimited, was 1"))
    #expect(try validate("json").status == 0)
    #expect(try Command.keyward(["limit", "k"], at: daemon.scratch).status == EX_USAGE)
    #expect(try Command.keyward(["limit", "k", "--rate", "often"], at: daemon.scratch).status == EX_USAGE)
    #expect(try Command.keyward(["limit", "k", "--uses", "0"], at: daemon.scratch).status == EX_USAGE)
  }
}
