import KeywardWire

/// Names a connection of a reactor. A slot is used again; its generation is not.
struct ConnectionID: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}

/// Where the reply of a call that waits goes.
struct ReplyAddress: Sendable {
  let mailbox: Mailbox
  let connection: ConnectionID
  let stream: UInt32
  /// Tells the call from a later one on the same stream.
  let serial: UInt64

  /// Sends the reply on its way, from any thread. A connection that has gone by then gets none.
  func deliver(_ result: Result<Reply, CallError>) {
    mailbox.post(.reply(self, result))
  }

  /// Has the reactor look again at the call's stream of replies, from any thread.
  func wake() {
    mailbox.post(.wake(self))
  }
}
