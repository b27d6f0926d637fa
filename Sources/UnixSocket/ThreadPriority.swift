import CUnixSocket

/// What the calling thread is to the kernel.
package enum ThreadPriority {
  /// Has the other threads go before it, and signals go to them.
  /// - Parameters:
  ///   - name: at most 15 bytes.
  ///   - niceness: of nice(2).
  package static func stepBack(name: String, niceness: Int32) {
    unix_step_back(name, niceness)
  }
}
