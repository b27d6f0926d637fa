import Glibc
import KeywardWire
import Synchronization
import Testing
import UnixSocket

@testable import KeywardServer

@Suite struct ReplyBatchTests {
  private let mailbox: Mailbox

  init() throws {
    mailbox = try Mailbox()
  }

  private func address(_ stream: UInt32) -> ReplyAddress {
    ReplyAddress(mailbox: mailbox, connection: ConnectionID(slot: 0, generation: 0), stream: stream, serial: 0)
  }

  /// Whether the reactor would wake up.
  private var isRung: Bool {
    var state = pollfd(fd: mailbox.counter.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&state, 1, 0) == 1
  }

  @Test func `A reactor is woken once for all replies of a batch, before what can wait`() {
    var replies = ReplyBatch()
    let wasRung = Mutex<Bool?>(nil)
    replies.add(.failure(.tooLate), to: address(1))
    replies.afterwards { [self] in wasRung.withLock { $0 = isRung } }
    replies.add(.failure(.tooLate), to: address(3))
    #expect(!isRung)
    replies.send()
    #expect(wasRung.withLock { $0 } == true)
    #expect(mailbox.empty().count == 2)
    #expect(!isRung)
  }

  @Test func `A letter for which the reactor is woken takes the replies that wait with it`() {
    var replies = ReplyBatch()
    replies.add(.failure(.tooLate), to: address(1))
    mailbox.post(.abort)
    #expect(isRung)
    #expect(mailbox.empty().count == 2)
    replies.send()
    #expect(!isRung)
  }
}
