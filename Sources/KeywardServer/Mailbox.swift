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

  private struct Content {
    var letters: [Letter] = []
    /// Whether the reactor has been told.
    var isRung = false
  }

  /// Readable once the reactor is told of letters, until they are taken out.
  let counter: Descriptor
  private let content = Mutex(Content())

  init() throws(SystemError) {
    counter = try .eventCounter()
  }

  func post(_ letter: Letter) {
    leave(letter)
    ring()
  }

  /// Puts a letter in that the reactor is told of by ``ring()``, soon.
  func leave(_ letter: Letter) {
    content.withLock { $0.letters.append(letter) }
  }

  /// Tells the reactor of the letters that are in.
  func ring() {
    let isFirst = content.withLock { content in
      guard !content.isRung, !content.letters.isEmpty else { return false }
      content.isRung = true
      return true
    }
    if isFirst { counter.addToCounter() }
  }

  /// Takes all the letters out, in their order.
  func empty() -> [Letter] {
    counter.resetCounter()
    return content.withLock { content in
      defer { content = Content() }
      return content.letters
    }
  }
}
