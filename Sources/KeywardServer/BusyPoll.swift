/// For how long a reactor asks for the next request, again and again, before it waits for one: a wake-up takes a
/// processor longer than a request does.
///
/// Only a request begins such a time, so that a server nobody asks spends nothing.
struct BusyPoll {
  /// 0 for never.
  private let nanoseconds: UInt64
  private var end: UInt64 = 0

  init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  var isOn: Bool { nanoseconds > 0 }

  /// - Parameter now: of the monotonic clock, in nanoseconds, as below.
  mutating func noteRequest(at now: UInt64) {
    end = now + nanoseconds
  }

  func goesOn(at now: UInt64) -> Bool { now < end }
}
