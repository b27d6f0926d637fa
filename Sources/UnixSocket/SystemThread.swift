import CUnixSocket
import Glibc

/// Threads of the process's own, for what waits in the kernel all its life or has a priority of its own: Dispatch's have
/// neither.
package enum SystemThread {
  private final class Start: Sendable {
    let name: String
    let priority: Priority
    let body: @Sendable () -> Void

    init(name: String, _ priority: Priority, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.priority = priority
      self.body = body
    }
  }

  /// What the kernel's scheduler is asked for.
  package struct Priority: Sendable {
    /// Of nice(2): by how much others go before it, or where it is negative and the process may, it before them.
    package let niceness: Int32
    /// How long it runs at a time where others want the processor; nil for the kernel's own. One of a shorter slice than
    /// who runs is let in when it wakes up (Linux 6.12), at least 100,000.
    package let sliceNanoseconds: UInt64?

    package init(niceness: Int32, sliceNanoseconds: UInt64? = nil) {
      self.niceness = niceness
      self.sliceNanoseconds = sliceNanoseconds
    }
  }

  /// Starts a thread that carries out one thing and ends with it. Signals go to other threads.
  /// - Parameter name: at most 15 bytes, for people who look at the process.
  package static func start(
    name: String, _ priority: Priority, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let argument = Unmanaged.passRetained(Start(name: name, priority, body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        // Never nil: the header of pthread_create does not say so.
        if let argument { SystemThread.run(Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()) }
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw SystemError("start a thread", code: code)
    }
    pthread_detach(thread)
  }

  private static func run(_ start: Start) {
    unix_set_up_thread(start.name, start.priority.niceness, start.priority.sliceNanoseconds ?? 0)
    start.body()
  }
}
