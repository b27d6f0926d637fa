import ArgumentParser
import Dispatch
import KeywardCore
import KeywardServer
import Logging
import Synchronization
import Testing

@testable import keywardd

@Suite("Reloader")
struct ReloaderTests {
  /// What a reloader reads and puts in force, with a gate before each reading.
  private final class Bench: Sendable {
    struct State {
      var text = ""
      var readings = 0
      var inForce: [[Grant]] = []
    }

    let state = Mutex(State())
    let threshold = LogThreshold(.info)
    let gate = DispatchSemaphore(value: 0)

    private let options: DaemonOptions

    init() throws {
      options = try DaemonOptions.parse([])
    }

    func reloader() throws -> Reloader {
      let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      return Reloader(try configuration(""), threshold: threshold, log: log) { [self] () throws(ConfigurationError) in
        gate.wait()
        let text = state.withLock { state in
          state.readings += 1
          return state.text
        }
        return try configuration(text)
      }
    }

    func adopt(_ grants: [Grant]) {
      state.withLock { $0.inForce.append(grants) }
    }

    private func configuration(_ text: String) throws(ConfigurationError) -> Configuration {
      let file = try ConfigurationFile(path: "k.toml", bytes: Array(text.utf8))
      return try Configuration(options: options, environment: [:], file: file)
    }
  }

  private func ask(_ reloader: Reloader) async -> String? {
    await withCheckedContinuation { continuation in
      reloader.ask("test") { outcome in
        switch outcome {
        case .inForce: continuation.resume(returning: nil)
        case .refused(let mistake): continuation.resume(returning: mistake)
        }
      }
    }
  }

  @Test("what is read is in force when it is said to be")
  func good() async throws {
    let bench = try Bench()
    let reloader = try bench.reloader()
    reloader.arm { bench.adopt($0.grants) }
    bench.state.withLock { $0.text = "[rights]\n\"user:7\" = [\"canView\"]\n[log]\nlevel = \"error\"\n" }
    bench.gate.signal()
    #expect(await ask(reloader) == nil)
    #expect(bench.state.withLock { $0.inForce } == [[Grant(.user(7), .canView)]])
    #expect(bench.threshold.level == .error)
  }

  @Test("with a mistake nothing changes, not even what stands before it, and the next reading is a new one")
  func bad() async throws {
    let bench = try Bench()
    let reloader = try bench.reloader()
    reloader.arm { bench.adopt($0.grants) }
    bench.state.withLock { $0.text = "[log]\nlevel = \"error\"\n[rights]\n\"user:7\" = [\"canVeiw\"]" }
    bench.gate.signal()
    let mistake = await ask(reloader)
    #expect(mistake?.hasPrefix("k.toml:4:13: ") == true)
    #expect(bench.state.withLock { $0.inForce.isEmpty })
    #expect(bench.threshold.level == .info)
    bench.state.withLock { $0.text = "" }
    bench.gate.signal()
    #expect(await ask(reloader) == nil)
    #expect(bench.state.withLock { $0.inForce } == [[]])
  }

  @Test("who asks before the server stands is answered once it does")
  func early() async throws {
    let bench = try Bench()
    let reloader = try bench.reloader()
    async let outcome = withCheckedContinuation { continuation in
      reloader.ask("test") { _ in continuation.resume(returning: bench.state.withLock { $0.readings }) }
      // Nothing reads before it is armed, though the gate is open.
      bench.gate.signal()
      #expect(bench.state.withLock { $0.readings } == 0)
      reloader.arm { bench.adopt($0.grants) }
    }
    #expect(await outcome == 1)
  }

  @Test("all that ask while one reading is under way share the next, for theirs must begin after they asked")
  func shared() async throws {
    let bench = try Bench()
    let reloader = try bench.reloader()
    reloader.arm { bench.adopt($0.grants) }
    let done = DispatchGroup()
    for _ in 0..<100 {
      done.enter()
      reloader.ask("test") { _ in done.leave() }
    }
    // The first may have begun alone; the rest cannot need more than one round.
    bench.gate.signal()
    bench.gate.signal()
    await withCheckedContinuation { continuation in done.notify(queue: .global()) { continuation.resume() } }
    #expect(bench.state.withLock { $0.readings } <= 2)
  }
}
