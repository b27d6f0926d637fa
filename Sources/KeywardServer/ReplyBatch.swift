import KeywardCore
import KeywardWire

/// Replies that leave together, and what can wait until they have: a reactor that is woken by the first of many does
/// its work for each alone.
struct ReplyBatch {
  private var mailboxes: [Mailbox] = []
  private var rest: [() -> Void] = []

  /// Has a reply leave with the others.
  mutating func add(_ result: Result<Reply, CallError>, to address: ReplyAddress) {
    address.mailbox.leave(.reply(address, result))
    if !mailboxes.contains(where: { $0 === address.mailbox }) { mailboxes.append(address.mailbox) }
  }

  /// Has something done when the replies have left.
  mutating func afterwards(_ body: @escaping () -> Void) {
    rest.append(body)
  }

  mutating func send() {
    for mailbox in mailboxes { mailbox.ring() }
    for body in rest { body() }
    self = ReplyBatch()
  }
}
