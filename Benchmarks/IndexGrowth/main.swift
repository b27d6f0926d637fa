import Glibc
import KeywardCore
import UnixSocket

/// How long it takes the rules and the index to take in one key, from the first to the last of very many, with no store
/// and no validations beside them: the lock that validations wait for is held for a part of it. Written as one line of
/// JSON.
///
///     index-growth KEYS
///
/// A time is the thread's own on its processor, so that waiting for one is no part of it. Memory comes in small pages, as
/// it does in keywardd once that has started.

let keyCount = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0
guard CommandLine.arguments.count == 2, keyCount > 0 else {
  let usage = "usage: index-growth KEYS\n"
  write(STDERR_FILENO, usage, usage.utf8.count)
  exit(EX_USAGE)
}

ProcessGuard.useSmallPages()
let registry = try Registry(store: Passage())
let actor = Actor(uid: 0, user: "root", pid: 1)
let instant = Instant(microseconds: 1_800_000_000_000_000)
var longest: UInt64 = 0
// By whole microseconds, up to which they took.
var histogram: [UInt64: Int] = [:]
for number in 0..<keyCount {
  let name = try KeyName("Grown key \(number) of a chat service")
  let command = Command(ChangeRequest(.create(CreateKey(name: name, permission: .chat))), by: actor)
  let begin = processorTime()
  let results = registry.commit([command], at: instant, limit: 1)
  let time = processorTime() - begin
  guard case .success? = results[0] else { fatalError("key \(number) was not taken in") }
  longest = max(longest, time)
  histogram[(time / 1000 + 1) * 1000, default: 0] += 1
}
let buckets = histogram.sorted { $0.key < $1.key }.map { "[\($0.key),\($0.value)]" }.joined(separator: ",")
print("{\"keys\":\(keyCount),\"max_ns\":\(longest),\"histogram\":[\(buckets)]}")

/// Of this thread, in nanoseconds.
func processorTime() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
