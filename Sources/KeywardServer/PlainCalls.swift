import KeywardCore
import KeywardWire

/// Plain calls that have come in one turn of a reactor, from any of its connections, and are answered together once they
/// are enough, at its end at the latest: by one reading of the clock, look-ups that wait for memory together, and one
/// write to each connection.
///
/// Concurrency: confined to its reactor's thread, which is what makes it `@unchecked Sendable`.
final class PlainCalls: PlainQuestions, @unchecked Sendable {
  private struct Call {
    let stream: UInt32
    let deadline: Deadline
    /// Where its reply ends in ``replies``.
    var replyEnd = 0
    /// Whether the key has limits: the call is carried out by itself then.
    var isLimited = false
  }

  /// The calls of one connection, which follow each other.
  struct Group {
    /// Of the reactor's table, which keeps it until the end of the turn.
    fileprivate let connection: Unmanaged<Connection>
    fileprivate let calls: Range<Int>
    fileprivate let hasDeadlines: Bool
  }

  private let taken: UnsafeMutableBufferPointer<PlainQuestion>
  private let calls: UnsafeMutableBufferPointer<Call>
  /// Not an array, whose growing and emptying a call would pay for.
  private let groups: UnsafeMutableBufferPointer<Group>
  private var replies = ByteBuffer(capacity: 64 * 1024)
  private(set) var count = 0
  private var groupCount = 0
  private var hasLimited = false

  /// More than one read may bring on top of ``enoughCalls``.
  private static let capacity = 2048
  /// Connections whose calls are answered together, at least and at most (decision 0016).
  private static let enough = 2...8
  /// Calls that are enough, of however few connections they are: the last one's answer waits for all the others.
  private static let enoughCalls = 128
  /// Connections that have sent something at once.
  private var connectionCount = 0

  init() {
    taken = .allocate(capacity: Self.capacity)
    calls = .allocate(capacity: Self.capacity)
    groups = .allocate(capacity: Self.capacity)
  }

  deinit {
    groups.deallocate()
    taken.deallocate()
    calls.deallocate()
  }

  /// Says from how many connections something has come at once.
  func expect(_ connectionCount: Int) {
    self.connectionCount = connectionCount
  }

  /// Whether they are to be answered before more is read: those of a part of the connections, so that what the others have
  /// sent is read while these may ask again. Where each has one call that part is the smaller.
  var isEnough: Bool {
    let part = count == groupCount ? connectionCount / 4 : connectionCount / 2
    return groupCount >= min(max(Self.enough.lowerBound, part), Self.enough.upperBound) || count >= Self.enoughCalls
  }

  /// Takes the plain calls that some bytes of a connection begin with, as far as the peer has the right to them and
  /// nothing of the connection's is in their way.
  /// - Returns: how many bytes they had.
  func take(_ bytes: UnsafeRawBufferPointer, of connection: Connection, _ parts: Reactor.Parts) -> Int {
    guard connection.output.bytes.isEmpty else { return 0 }
    let rights = connection.caller.rights
    guard !rights.isDisjoint(with: Method.validateKey.right) else { return 0 }
    // Each of them may have to wait, or to wait for the peer to take its reply.
    let end = min(Self.capacity, count + connection.session.roomForCalls(parts.limits))
    let first = count
    var position = 0
    var hasDeadlines = false
    while position < bytes.count, count < end,
      (count - first + 1) * TTRPCEnvelope.maxPlainReplyByteCount <= parts.limits.unsentOutput,
      let call = PlainCall(UnsafeRawBufferPointer(rebasing: bytes[position...])),
      rights.contains(.validating(call.question.permission)), connection.session.takesPlainCall(on: call.stream)
    {
      let deadline = Deadline(from: call.timeoutNanoseconds, clock: parts.clock)
      if deadline != .never { hasDeadlines = true }
      taken.initializeElement(at: count, to: call.question)
      calls.initializeElement(at: count, to: Call(stream: call.stream, deadline: deadline))
      count += 1
      position += call.frameByteCount
    }
    guard count > first else { return 0 }
    if count == first + 1 { parts.handlers.expect(taken[first]) }
    connection.hasPlainCalls = true
    connection.session.countPlainCalls(count - first)
    groups.initializeElement(
      at: groupCount,
      to: Group(connection: .passUnretained(connection), calls: first..<count, hasDeadlines: hasDeadlines))
    groupCount += 1
    return position
  }

  /// What was taken.
  var questions: UnsafeBufferPointer<PlainQuestion> { UnsafeBufferPointer(rebasing: taken[..<count]) }

  func answer(_ number: Int, _ validation: BriefValidation?) {
    if let validation {
      TTRPCEnvelope.append(validation, stream: calls[number].stream, to: &replies)
    } else {
      calls[number].isLimited = true
      hasLimited = true
    }
    calls[number].replyEnd = replies.count
  }

  /// The replies to a group's calls, until the next change; nil where some of its calls are to be carried out one by one.
  func replies(to group: Group) -> UnsafeRawBufferPointer? {
    guard !group.hasDeadlines, !hasLimited || !group.calls.contains(where: { calls[$0].isLimited }) else { return nil }
    return replies(to: group.calls)
  }

  private func replies(to range: Range<Int>) -> UnsafeRawBufferPointer {
    let start = range.lowerBound == 0 ? 0 : calls[range.lowerBound - 1].replyEnd
    return UnsafeRawBufferPointer(rebasing: replies.bytes[start..<calls[range.upperBound - 1].replyEnd])
  }

  /// A group's calls one by one.
  /// - Parameter body: is given the stream, the deadline, and the reply; the question where the key has limits.
  func forEach(
    in group: Group,
    _ body: (UInt32, Deadline, _ reply: UnsafeRawBufferPointer, _ limited: PlainQuestion?) -> Void
  ) {
    for number in group.calls {
      body(
        calls[number].stream, calls[number].deadline, replies(to: number..<number + 1),
        calls[number].isLimited ? taken[number] : nil)
    }
  }

  /// Forgets them all, after a look at each group.
  func removeAll(_ body: (Connection, Group) -> Void) {
    for number in 0..<groupCount {
      let group = groups[number]
      group.connection._withUnsafeGuaranteedRef { body($0, group) }
    }
    groupCount = 0
    count = 0
    hasLimited = false
    replies.consume(replies.count)
  }
}

extension Deadline {
  /// - Parameter timeout: nanoseconds from now, positive; nil is for ever, and takes no look at the clock.
  init(from timeout: Int64?, clock: Clock) {
    self = timeout == nil ? .never : Deadline(from: clock.monotonicNanoseconds(), timeout: timeout)
  }
}
