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
      case .rateLimited: continue
      case .usageExceeded: return granted
      case let other: throw UnexpectedVerdict(verdict: other)
      }
    }
    return granted
  }

  private struct UnexpectedVerdict: Error {
    let verdict: Verdict
  }

  @Test func `Many connections are granted the total between them, exactly`() throws {
    let daemon = try Daemon()
    let secret = try make(daemon, nil, 5000).secret.text
    let options = Client.Options(socketPath: daemon.scratch.socket)
    let granted = Atomic(0)
    let failed = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do {
        granted.add(try use(.text(secret), Client(options)), ordering: .relaxed)
      } catch {
        failed.add(1, ordering: .relaxed)
      }
    }
    #expect(failed.load(ordering: .relaxed) == 0)
    #expect(granted.load(ordering: .relaxed) == 5000)
  }

  @Test func `Whenever the daemon is killed, no use is granted twice, and a block at most is lost`() throws {
    var daemon = try Daemon()
    let (total, block, kills) = (300, 10, 12)
    let secret = try make(daemon, nil, Int64(total)).secret
    var generator = SampleGenerator(seed: 7)
    var granted = 0
    for _ in 0..<kills {
      granted += try use(secret, daemon.client(), atMost: .random(in: 0...20, using: &generator))
      #expect(daemon.end(SIGKILL) == -SIGKILL)
      daemon = try Daemon(daemon.scratch)
    }
    granted += try use(secret, daemon.client())
    #expect(granted <= total && granted >= total - kills * block)
    #expect(try daemon.client().validate(secret, for: .chat).verdict == .usageExceeded)
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
    #expect(try Command.keyward(["list"], at: daemon.scratch).output.contains("2/1h,burst=1 1000/monthly"))
    let changed = try #require(try answer("limit", "k", "--rate", "none", "--uses", "1")["key"] as? [String: Any])
    #expect(
      changed["rateLimit"] == nil
        && changed["useLimit"] as? [String: String] == ["total": "1", "refill": "REFILL_NEVER"])
    #expect(try validate("json").status == 0)
    let used = try validate("json")
    #expect(
      used.status == 1 && used.json["verdict"] as? String == "VERDICT_USAGE_EXCEEDED" && used.json["retryTime"] == nil)
    _ = try answer("limit", "k", "--uses", "none")
    #expect(try Command.keyward(["audit"], at: daemon.scratch).output.contains("uses unlimited, was 1"))
    #expect(try validate("json").status == 0)
    #expect(try Command.keyward(["limit", "k"], at: daemon.scratch).status == EX_USAGE)
    #expect(try Command.keyward(["limit", "k", "--rate", "often"], at: daemon.scratch).status == EX_USAGE)
    #expect(try Command.keyward(["limit", "k", "--uses", "0"], at: daemon.scratch).status == EX_USAGE)
  }
}
