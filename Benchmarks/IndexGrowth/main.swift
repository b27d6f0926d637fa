import Glibc
import KeywardCore

/// How long it takes the rules and the index to take in one key, from the first to the last of very many, with no store
/// and no validations beside them: the lock that validations wait for is held for a part of it. Written as one line of
/// JSON.
///
///     index-growth KEYS ROUNDS
///
/// A time is the thread's own on its processor. The machine may still take that away for a while in the middle, so that
/// each key counts with the least of several rounds: what growth costs, it costs every time.

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
guard arguments.count == 2, arguments.allSatisfy({ $0 > 0 }) else {
  print("usage: index-growth KEYS ROUNDS")
  exit(EX_USAGE)
}
let (keyCount, roundCount) = (arguments[0], arguments[1])

var least = [UInt64](repeating: .max, count: keyCount)
for _ in 0..<roundCount { try grow(&least) }

// By whole microseconds, up to which they took.
var histogram: [UInt64: Int] = [:]
for time in least { histogram[(time / 1000 + 1) * 1000, default: 0] += 1 }
let buckets = histogram.sorted { $0.key < $1.key }.map { "[\($0.key),\($0.value)]" }.joined(separator: ",")
print("{\"keys\":\(keyCount),\"rounds\":\(roundCount),\"max_ns\":\(least.max() ?? 0),\"histogram\":[\(buckets)]}")

/// Has a registry take in all keys, and notes for each the time if that is less than before.
func grow(_ least: inout [UInt64]) throws {
  let registry = try Registry(store: Passage())
  let actor = Actor(uid: 0, user: "root", pid: 1)
  let instant = Instant(microseconds: 1_800_000_000_000_000)
  for number in least.indices {
    let name = try KeyName("Grown key \(number) of a chat service")
    let command = Command(ChangeRequest(.create(CreateKey(name: name, permission: .chat))), by: actor)
    let begin = processorTime()
    let results = registry.commit([command], at: instant, limit: 1)
    let time = processorTime() - begin
    guard case .success? = results[0] else { fatalError("key \(number) was not taken in") }
    least[number] = min(least[number], time)
  }
}

/// Of this thread, in nanoseconds.
func processorTime() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
