import CUnixSocket
import Glibc

/// Threads of the process's own, for what waits in the kernel all its life or has a priority of its own: Dispatch's have
/// neither.
package enum SystemThread {
  private final class Start: Sendable {
    let name: String
    let niceness: Int32
    let body: @Sendable () -> Void

    init(name: String, niceness: Int32, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.niceness = niceness
      self.body = body
    }
  }

  /// Starts a thread that carries out one thing and ends with it. Signals go to other threads.
  /// - Parameters:
  ///   - name: at most 15 bytes, for people who look at the process.
  ///   - niceness: of nice(2): by how much others go before it, or where it is negative and the process may, it before them.
  package static func start(
    name: String, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let argument = Unmanaged.passRetained(Start(name: name, niceness: niceness, body))
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
    unix_set_up_thread(start.name, start.niceness)
    start.body()
  }
}
