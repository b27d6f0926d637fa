import KeywardWire
import Synchronization
import UnixSocket

/// What other threads ask of a reactor.
///
/// Concurrency: letters come from every thread and go to the reactor, which the counter wakes.
final class Mailbox: Sendable {
  enum Letter: Sendable {
    /// Serve a connection. The descriptor is the reactor's from then on.
    case adopt(Int32, Caller)
    case reply(ReplyAddress, Result<Reply, CallError>)
    /// There is more of a call's stream of replies.
    case wake(ReplyAddress)
    /// Answer what has come, close what is quiet, and call when nothing is open.
    case drain(@Sendable () -> Void)
    /// Close everything.
    case abort
  }

  /// Readable while there is a letter.
  let counter: Descriptor
  private let letters = Mutex<[Letter]>([])

  init() throws(SystemError) {
    counter = try .eventCounter()
  }

  func post(_ letter: Letter) {
    let isFirst = letters.withLock { letters in
      letters.append(letter)
      return letters.count == 1
    }
    if isFirst { counter.addToCounter() }
  }

  /// Takes all the letters out, in their order.
  func empty() -> [Letter] {
    counter.resetCounter()
    return letters.withLock { letters in
      defer { letters = [] }
      return letters
    }
  }
}
