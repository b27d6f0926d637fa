/// When a session of gRPC is looked at though nothing comes. Nothing is reckoned anew with each byte that does: what has
/// happened meanwhile is seen once a time is up, and then it is given anew.
struct GRPCTimers {
  /// What a time that is up calls for.
  enum Due {
    /// To ask the peer whether it is there.
    case ping
    /// The peer has not answered that.
    case silence
    /// The connection has had no call for long.
    case idleness
    /// The peer's windows have been shut for long, though replies wait.
    case stall
    /// The peer has not said that it knows of the end.
    case end
  }

  private let limits: Limits
  private var hearing: Deadline
  private var hasHeard = false
  private var isPinged = false
  private var idling: Deadline
  private var hasCalled = false
  private var taking = Deadline.never
  private var hasTaken = false
  private var ending = Deadline.never

  /// Seconds that the peer has to say that it knows of the end.
  private static let endSeconds = 1.0

  init(_ limits: Limits, at now: UInt64) {
    self.limits = limits
    hearing = Deadline(from: now, setting: limits.keepaliveSeconds)
    idling = Deadline(from: now, setting: limits.idleSeconds)
  }

  var next: Deadline { min(hearing, idling, taking, ending) }

  /// Something came.
  mutating func noteInput() {
    hasHeard = true
  }

  mutating func noteCall() {
    hasCalled = true
  }

  /// The peer's windows took something of a reply.
  mutating func noteTaken() {
    hasTaken = true
  }

  /// Says whether replies wait for the peer's windows.
  /// - Returns: whether there is an earlier deadline by it.
  mutating func watchReplies(_ areWaiting: Bool, at now: @autoclosure () -> UInt64) {
    if !areWaiting {
      taking = .never
    } else if taking == .never {
      taking = Deadline(from: now(), seconds: limits.stallSeconds)
      hasTaken = false
    }
  }

  mutating func beginEnd(at now: UInt64) {
    ending = Deadline(from: now, seconds: Self.endSeconds)
    idling = .never
  }

  mutating func due(at now: UInt64, hasCalls: Bool) -> [Due] {
    var due: [Due] = []
    if ending.hasPassed(at: now) {
      ending = .never
      due.append(.end)
    }
    if taking.hasPassed(at: now) {
      if !hasTaken { due.append(.stall) }
      taking = .never
    }
    if idling.hasPassed(at: now) {
      if !hasCalled, !hasCalls { due.append(.idleness) }
      hasCalled = false
      idling = Deadline(from: now, setting: limits.idleSeconds)
    }
    if hearing.hasPassed(at: now) {
      if isPinged, !hasHeard { due.append(.silence) }
      isPinged = !hasHeard
      if isPinged { due.append(.ping) }
      hasHeard = false
      hearing = Deadline(
        from: now, setting: isPinged ? limits.keepaliveTimeoutSeconds : limits.keepaliveSeconds)
    }
    return due
  }
}

extension Deadline {
  /// Up to a sixteenth later than it says, so that the times of many connections are up together.
  /// - Parameter setting: seconds; 0 is never.
  fileprivate init(from now: UInt64, setting: Double) {
    let nanoseconds = UInt64(setting * 1_000_000_000)
    let grain = nanoseconds / 16
    guard grain > 0 else {
      self = .never
      return
    }
    self.init(nanoseconds: ((now + nanoseconds) / grain + 1) * grain)
  }
}
